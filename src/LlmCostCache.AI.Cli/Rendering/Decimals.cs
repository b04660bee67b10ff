using System.Globalization;

namespace LlmCostCache.AI.Cli.Rendering;

/// <summary>Amounts as text for machines: every digit that counts, no exponent, no trailing zeros.</summary>
internal static class Decimals
{
    private const string EveryDigit = "0.############################";

    public static string Text(decimal amount) => amount.ToString(EveryDigit, CultureInfo.InvariantCulture);

    public static string Text(Money amount) => Text(amount.Usd);
}
