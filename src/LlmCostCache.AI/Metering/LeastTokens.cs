using System.Globalization;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>
/// The fewest tokens that a text can be, whatever the encoding. No published encoding joins two words over what stands between them, so every run of letters and digits
/// is a token at least; and none has a token of more than 128 bytes.
/// </summary>
internal sealed class LeastTokens
{
    private long _words;
    private long _bytes;
    private bool _inWord;

    /// <summary>So far; rounded up.</summary>
    public long Count => Math.Max(_words, InputMeasure.AtLeast(_bytes));

    public static long Of(IEnumerable<AIContent> contents)
    {
        var least = new LeastTokens();
        foreach (var content in contents)
        {
            least.Add(content);
        }

        return least.Count;
    }

    /// <summary>Adds the next piece of an answer; a word may go on from one piece to the next.</summary>
    public void Add(AIContent content)
    {
        switch (content)
        {
            case TextContent text:
                Add(text.Text);
                break;
            case TextReasoningContent reasoning:
                Add(reasoning.Text);
                break;
            case FunctionCallContent:
                _inWord = false;
                _bytes += ChatMessages.OutputBytes([content]) / 6; // as JSON it may have been longer, never by more
                break;
        }
    }

    private void Add(string text)
    {
        _bytes += System.Text.Encoding.UTF8.GetByteCount(text);
        foreach (var c in text)
        {
            if (!Continues(c))
            {
                var isWord = char.IsLetterOrDigit(c);
                _words += isWord && !_inWord ? 1 : 0;
                _inWord = isWord;
            }
        }
    }

    // Encodings keep "don't" together, and marks with their letter. Halves of pairs and invisible signs are passed over, which can only make the count smaller.
    private static bool Continues(char c) => c is '\'' or '\u2019' || char.IsSurrogate(c)
        || char.GetUnicodeCategory(c) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format;
}
