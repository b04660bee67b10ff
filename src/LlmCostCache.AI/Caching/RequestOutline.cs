namespace LlmCostCache.AI;

/// <summary>What a question consists of, part by part, without its texts: enough to say later why another question was not the
/// same.</summary>
/// <param name="Parts">The parts that its key was made of, in the order of the key.</param>
internal sealed record RequestOutline(IReadOnlyList<RequestPart> Parts)
{
    /// <summary>The most characters of a text that are kept as an excerpt.</summary>
    public const int ExcerptLength = 256;

    /// <summary>The beginning of the last message of the user, for people who look for an entry; null when excerpts are not kept.</summary>
    public string? Prompt { get; init; }
}

/// <summary>One part of a question.</summary>
/// <param name="Name">What it is, in the words of the request: <c>model</c>, <c>temperature</c>, <c>message 3 (user)</c>,
/// <c>tool get_weather</c>.</param>
/// <param name="Digest">The first eight bytes of the SHA-256 of its canonical bytes: equal for equal parts.</param>
internal readonly record struct RequestPart(string Name, ulong Digest);
