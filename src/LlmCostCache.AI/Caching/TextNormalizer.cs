using System.Buffers;
using System.Text;

namespace LlmCostCache.AI;

/// <summary>Takes out of a text what its reader said makes no difference.</summary>
internal static class TextNormalizer
{
    private const string LineEnds = "\r\n";
    private const string Blanks = " \t";

    private static readonly SearchValues<string> s_blanksBeforeLineEnds = SearchValues.Create([" \r", " \n", "\t\r", "\t\n"], StringComparison.Ordinal);

    /// <returns>The very same text when there is nothing to take out.</returns>
    public static string Apply(string text, CacheNormalization normalization)
    {
        var unifies = normalization.HasFlag(CacheNormalization.LineEndings);
        var trims = normalization.HasFlag(CacheNormalization.TrailingBlanks);
        if (!(unifies && text.Contains('\r', StringComparison.Ordinal)) && !(trims && HasTrailingBlanks(text)))
            return text;

        var normal = new StringBuilder(text.Length);
        var rest = text.AsSpan();
        while (true)
        {
            var length = rest.IndexOfAny(LineEnds);
            var line = length < 0 ? rest : rest[..length];
            normal.Append(trims ? line.TrimEnd(Blanks) : line);
            if (length < 0)
                return normal.ToString();

            var end = rest[length..].StartsWith(LineEnds, StringComparison.Ordinal) ? 2 : 1;
            if (unifies)
                normal.Append('\n');
            else
                normal.Append(rest.Slice(length, end));

            rest = rest[(length + end)..];
        }
    }

    private static bool HasTrailingBlanks(string text) =>
        text.Length > 0 && (Blanks.Contains(text[^1], StringComparison.Ordinal) || text.AsSpan().ContainsAny(s_blanksBeforeLineEnds));
}
