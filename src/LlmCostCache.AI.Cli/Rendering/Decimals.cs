using System.Globalization;

namespace LlmCostCache.AI.Cli.Rendering;

/// <summary>Amounts as text for machines: every digit that counts, no exponent, no trailing zeros.</summary>
internal static class Decimals
{
    private const string EveryDigit = "0.############################";
    private const int LeastDigits = 3;
    private const int MostDecimals = 28;

    public static string Text(decimal amount) => amount.ToString(EveryDigit, CultureInfo.InvariantCulture);

    public static string Text(Money amount) => Text(amount.Usd);

    /// <summary>Rounded to so many decimals, and to more where fewer than three digits would be left: what is small is not nothing.</summary>
    public static decimal Rounded(decimal value, int decimals)
    {
        var size = Math.Abs(value);
        var needed = LeastDigits;
        for (; size is > 0 and < 0.1m && needed < MostDecimals; size *= 10)
        {
            needed++;
        }

        return decimal.Round(value, size < 1 ? Math.Max(decimals, needed) : decimals);
    }

    /// <summary>For people: in the usual form, and with three digits where that would show little of it or nothing.</summary>
    public static string Readable(decimal value, string format) =>
        value == 0 || Math.Abs(value) >= 1 || decimal.Round(value, 2) == value ? value.ToString(format, CultureInfo.InvariantCulture) : Text(Rounded(value, 0));
}
