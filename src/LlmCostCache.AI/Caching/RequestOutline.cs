using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>What a question consists of, part by part, without its texts: enough to say later why another question was not the
/// same.</summary>
/// <remarks>Made from the canonical form, so that two questions have equal parts exactly when they have the same key.</remarks>
/// <param name="Parts">The parts that its key was made of, in the order of the key.</param>
internal sealed record RequestOutline(IReadOnlyList<RequestPart> Parts)
{
    /// <summary>The most characters of a text that are kept as an excerpt.</summary>
    public const int ExcerptLength = 256;

    /// <summary>The beginning of the last message of the user, for people who look for an entry; null when excerpts are not kept.</summary>
    public string? Prompt { get; init; }

    /// <summary>The outline of a conversation and its options.</summary>
    /// <returns>The outline, or null when the question has no key, for the reason given.</returns>
    public static RequestOutline? Of(IEnumerable<ChatMessage> messages, ChatOptions? options, in QuestionScope scope, bool allowUriContent,
        out string? whyNot, KeySeal? seal = null)
    {
        if (RequestCanonicalizer.TryWrite(messages, options, scope, allowUriContent, out whyNot) is not { } form)
            return null;

        var outline = Of(form.Bytes, form.Marks, form.Prompt, seal ?? KeySeal.None);
        form.Return();
        return outline;
    }

    /// <summary>The outline of what was written.</summary>
    public static RequestOutline Of(ReadOnlySpan<byte> canonical, IReadOnlyList<RequestMark> marks, string? prompt, KeySeal seal)
    {
        var parts = new RequestPart[marks.Count];
        for (var i = 0; i < parts.Length; i++)
            parts[i] = new RequestPart(marks[i].Name, seal.Digest(canonical[marks[i].Start..marks[i].End]));

        return new RequestOutline(parts) { Prompt = Excerpt(prompt) };
    }

    /// <summary>The beginning of a text.</summary>
    public static string? Excerpt(string? text)
    {
        if (text is null || text.Length <= ExcerptLength)
            return text;

        // Half a surrogate pair is no character.
        return text[..(char.IsHighSurrogate(text[ExcerptLength - 1]) ? ExcerptLength - 1 : ExcerptLength)];
    }
}

/// <summary>One part of a question.</summary>
/// <param name="Name">What it is, in the words of the request: <c>model</c>, <c>temperature</c>, <c>message 3 (user)</c>,
/// <c>tool get_weather</c>.</param>
/// <param name="Digest">The first eight bytes of the SHA-256 of its canonical bytes, or of their HMAC when there is a <see cref="CacheSecret"/>: equal for equal parts.</param>
internal readonly record struct RequestPart(string Name, ulong Digest);
