using System.Text;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>How large an input is before it is sent: in bytes, which bound the tokens of any model, and in tokens of the encodings that are public.</summary>
internal sealed class InputMeasure(IEnumerable<string> encodings)
{
    /// <summary>No token is longer: the longest of the encodings that are published are runs of as many spaces.</summary>
    public const int MostBytesPerToken = 128;

    // Measured with OpenAI's encodings over English, code, Chinese and JSON: 2.9 to 5.2 bytes a token.
    private const int LikelyBytesPerToken = 4;

    // A square of 1,024 pixels in detail, after OpenAI's guide to images.
    private const int LikelyImage = 765;

    // A tokenizer sees a text in pieces; at each cut it gains or loses a token at most.
    private readonly (string Encoding, long Tokens, long Cuts)[] _counts = [.. encodings.Distinct(StringComparer.Ordinal).Select(name => (name, 0L, 0L))];
    private long _textBytes;
    private long _restBytes;
    private long _restBound;
    private long _images;

    /// <summary>Bytes of everything that the model reads as text.</summary>
    public long Bytes => _textBytes + _restBytes;

    public int Messages { get; private set; }

    /// <summary>How many answers are asked for.</summary>
    public int Choices { get; private set; } = 1;

    /// <summary>Why the input cannot be bounded; null when it can.</summary>
    public string? Unbounded { get; private set; }

    /// <summary>What was asked: messages with their options.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled between two texts.</exception>
    public void Add(IReadOnlyList<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        var before = _textBytes;
        var texts = messages.SelectMany(message => message.Contents).OfType<TextContent>().Select(content => content.Text);
        foreach (var text in options?.Instructions is { } instructions ? texts.Prepend(instructions) : texts)
        {
            cancellationToken.ThrowIfCancellationRequested();
            AddText(text);
        }

        // Names, tools, schemas and media: what providers make of them is not published, so they are bounded as they are for a budget.
        var size = RequestSize.Of(messages, options);
        _restBytes += size.Bytes - (_textBytes - before);
        _restBound += size.TokenBound - (_textBytes - before);
        _images += messages.SelectMany(message => message.Contents).OfType<DataContent>().Count(data => data.HasTopLevelMediaType("image"));
        Messages += messages.Count;
        Choices = Math.Max(Choices, size.Choices);
        Unbounded ??= size.Unbounded;
    }

    /// <summary>Text that is one message; it may come piece by piece, best cut at white space.</summary>
    public void AddText(string text)
    {
        _textBytes += Encoding.UTF8.GetByteCount(text);
        for (var i = 0; i < _counts.Length; i++)
        {
            _counts[i].Tokens += TokenCounter.Count(_counts[i].Encoding, text, out var cuts);
            _counts[i].Cuts += cuts;
        }
    }

    /// <summary>The text that was added is a message of its own, with what a chat template puts around it.</summary>
    /// <param name="pieces">In how many pieces it came.</param>
    public void EndMessage(int pieces)
    {
        Messages++;
        _restBound += RequestSize.Of([new ChatMessage(ChatRole.User, "")], null).TokenBound;
        for (var i = 0; i < _counts.Length; i++)
        {
            _counts[i].Cuts += Math.Max(0, pieces - 1);
        }
    }

    /// <summary>The input tokens: at least, most likely, and at most.</summary>
    /// <param name="encoding">The encoding of the model; null when it is not public, and bytes must do.</param>
    /// <param name="isChat">Whether a chat template frames the messages.</param>
    public (long Low, long Likely, long High) Tokens(string? encoding, bool isChat)
    {
        var frame = isChat ? (TokenCounter.PerMessage * (long)Messages) + TokenCounter.PerAnswer + (LikelyImage * _images) : 0;
        var rest = isChat ? _restBound : _restBytes;
        var counted = Array.FindIndex(_counts, count => count.Encoding == encoding);
        if (counted < 0)
        {
            return (AtLeast(Bytes), Math.Min(checked(_textBytes + rest), ((Bytes + LikelyBytesPerToken - 1) / LikelyBytesPerToken) + frame), checked(_textBytes + rest));
        }

        var count = _counts[counted];
        var likely = count.Tokens + (_restBytes / LikelyBytesPerToken) + frame;
        var high = checked(count.Tokens + count.Cuts + rest);
        return (Math.Max(0, count.Tokens - count.Cuts), Math.Min(likely, high), high);
    }

    /// <summary>Rounded up: even one byte is a token.</summary>
    public static long AtLeast(long bytes) => (bytes + MostBytesPerToken - 1) / MostBytesPerToken;
}
