using System.Globalization;
using System.Text.Json;

namespace LlmCostCache.AI.Cli.Importing;

/// <summary>Reads the numbers of price lists from their text, because a double would change them.</summary>
internal static class SourceNumber
{
    private const NumberStyles Styles = NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign | NumberStyles.AllowExponent;

    // A double prints 15 to 17 digits; a price list writes fewer.
    private const int DigitsOfNoise = 15;

    /// <summary>The number times a factor; false when it cannot be a price, and why.</summary>
    public static bool TryRead(JsonElement value, decimal factor, out decimal rate, out string problem)
    {
        (rate, problem) = (0m, "");
        if (value.ValueKind != JsonValueKind.Number)
        {
            problem = value.ValueKind == JsonValueKind.String ? $"is the text '{Short(value.GetString()!)}' and not a number" : $"is {value.ValueKind.ToString().ToLowerInvariant()} and not a number";
            return false;
        }

        var text = value.GetRawText();
        if (!decimal.TryParse(text, Styles, CultureInfo.InvariantCulture, out rate) || (rate == 0m && text.TakeWhile(symbol => symbol is not ('e' or 'E')).Any(symbol => symbol is >= '1' and <= '9')))
        {
            problem = $"is {Short(text)}, too large or too small to be counted exactly";
            return false;
        }

        if (rate < 0m)
        {
            problem = $"is {Short(text)}; a price cannot be negative";
            return false;
        }

        try
        {
            rate = WithoutNoise(rate, text) * factor;
            return true;
        }
        catch (OverflowException)
        {
            problem = $"is {Short(text)}, too large to be a price";
            return false;
        }
    }

    /// <summary>7.000000000000001e-07 is what a program printed that computed with doubles; the list meant 7e-07.</summary>
    private static decimal WithoutNoise(decimal rate, string text)
    {
        var digits = text.TakeWhile(symbol => symbol is not ('e' or 'E')).Where(char.IsAsciiDigit).SkipWhile(symbol => symbol == '0').Count();
        if (digits < DigitsOfNoise || rate == 0m)
        {
            return rate;
        }

        var (scaled, shift) = (rate, 0);
        while (scaled < 1m)
        {
            (scaled, shift) = (scaled * 10m, shift + 1);
        }

        var places = shift + 11;
        return places <= 28 ? Math.Round(rate, places, MidpointRounding.ToEven) : rate;
    }

    private static string Short(string text) => text.Length <= 40 ? text : text[..40] + "...";
}
