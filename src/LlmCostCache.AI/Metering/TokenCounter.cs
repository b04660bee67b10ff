using System.Collections.Concurrent;
using SharpToken;

namespace LlmCostCache.AI;

/// <summary>Counts tokens of OpenAI's encodings. Slow to load (seconds) and slow on long unbroken text, so it stays off every caller's path.</summary>
internal static class TokenCounter
{
    // The tokenizer's time is quadratic in the length of a run without a break: 100,000 Chinese characters take more than 15 s. Cut at this length, at most
    // one token is lost or gained for each cut.
    private const int LongestRun = 512;

    private static readonly ConcurrentDictionary<string, Lazy<GptEncoding>> s_encodings = new(StringComparer.Ordinal);

    /// <param name="encoding">A name from the price book; the library's own look-up by model throws on newer ones.</param>
    /// <param name="text">The text.</param>
    public static long Count(string encoding, string text)
    {
        var tokenizer = s_encodings.GetOrAdd(encoding, static name => new Lazy<GptEncoding>(() => GptEncoding.GetEncoding(name))).Value;
        long tokens = 0;
        var start = 0;
        var run = 0;
        for (var i = 0; i < text.Length; i++)
        {
            run = char.IsWhiteSpace(text[i]) != (i > 0 && char.IsWhiteSpace(text[i - 1])) ? 1 : run + 1;
            if (run >= LongestRun && !char.IsHighSurrogate(text[i]))
            {
                tokens += tokenizer.CountTokens(text.AsSpan(start, i + 1 - start));
                start = i + 1;
                run = 0;
            }
        }

        return start < text.Length ? tokens + tokenizer.CountTokens(text.AsSpan(start)) : tokens;
    }
}
