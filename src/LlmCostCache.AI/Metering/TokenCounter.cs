using System.Collections.Concurrent;
using SharpToken;

namespace LlmCostCache.AI;

/// <summary>Counts tokens of OpenAI's encodings. Slow to load (seconds) and slow on long unbroken text, so it stays off every caller's path.</summary>
internal static class TokenCounter
{
    // The tokenizer's time is quadratic in the length of a run without a break: 100,000 Chinese characters take more than 15 s. Cut at this length, at most
    // one token is lost or gained for each cut.
    private const int LongestRun = 512;

    // Chat templates of the o200k and cl100k models, after OpenAI's cookbook on counting tokens: three tokens around a message and one for its role; three open the answer.
    public const int PerMessage = 4;
    public const int PerAnswer = 3;

    // What looks like a control token in a text is text to the provider too; the tokenizer's default is to throw.
    private static readonly HashSet<string> s_nothing = [];

    private static readonly ConcurrentDictionary<string, Lazy<GptEncoding>> s_encodings = new(StringComparer.Ordinal);

    /// <param name="encoding">A name from the price book; the library's own look-up by model throws on newer ones.</param>
    /// <param name="text">The text.</param>
    public static long Count(string encoding, string text) => Count(encoding, text, out _);

    /// <inheritdoc cref="Count(string, string)"/>
    /// <param name="encoding">A name from the price book; the library's own look-up by model throws on newer ones.</param>
    /// <param name="text">The text.</param>
    /// <param name="cuts">Where the text was cut, at each of which the count may be off by one.</param>
    public static long Count(string encoding, string text, out long cuts)
    {
        var tokenizer = s_encodings.GetOrAdd(encoding, static name => new Lazy<GptEncoding>(() => GptEncoding.GetEncoding(name))).Value;
        long tokens = 0;
        var start = 0;
        var run = 0;
        cuts = 0;
        for (var i = 0; i < text.Length; i++)
        {
            run = char.IsWhiteSpace(text[i]) != (i > 0 && char.IsWhiteSpace(text[i - 1])) ? 1 : run + 1;
            if (run >= LongestRun && !char.IsHighSurrogate(text[i]))
            {
                tokens += tokenizer.CountTokens(text.AsSpan(start, i + 1 - start), s_nothing, s_nothing);
                start = i + 1;
                run = 0;
                cuts++;
            }
        }

        return start < text.Length ? tokens + tokenizer.CountTokens(text.AsSpan(start), s_nothing, s_nothing) : tokens;
    }
}
