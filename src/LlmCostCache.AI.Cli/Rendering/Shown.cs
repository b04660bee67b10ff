using System.Globalization;
using System.Text;

namespace LlmCostCache.AI.Cli.Rendering;

/// <summary>Text from outside as it may be shown: names come from callers, and a terminal would obey the escape sequences in them.</summary>
internal static class Shown
{
    /// <summary>The text with everything that is not printable written out, such as <c>\u001b</c>; line breaks too.</summary>
    public static string OneLine(string text) => Neutral(text, keepLines: false);

    /// <summary>The same with its lines kept.</summary>
    public static string Lines(string text) => Neutral(text, keepLines: true);

    private static string Neutral(string text, bool keepLines)
    {
        StringBuilder? neutral = null;
        for (var i = 0; i < text.Length; i++)
        {
            var symbol = text[i];
            var harmless = !IsDangerous(symbol) || (keepLines && symbol is '\n' or '\r');
            if (harmless && neutral is null)
            {
                continue;
            }

            neutral ??= new StringBuilder(text, 0, i, text.Length + 16);
            _ = harmless ? neutral.Append(symbol) : neutral.Append(CultureInfo.InvariantCulture, $"\\u{(int)symbol:x4}");
        }

        return neutral?.ToString() ?? text;
    }

    /// <summary>Controls, and what turns the direction of the text around or breaks lines.</summary>
    private static bool IsDangerous(char symbol) =>
        char.IsControl(symbol) || symbol is '\u2028' or '\u2029' or '\u061c' or '\u200e' or '\u200f' or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069');
}
