namespace LlmCostCache.AI;

/// <summary>What an answer says about itself.</summary>
internal sealed record AnswerFacts
{
    public string? Model { get; init; }

    public string? ResponseId { get; init; }

    public string? FinishReason { get; init; }

    /// <summary>The tier the provider says it served the request in.</summary>
    public string? ServiceTier { get; init; }

    /// <summary>The geography the provider says it served the request in.</summary>
    public string? Region { get; init; }

    /// <summary>The tier the caller asked for, which is what counts when the provider says nothing.</summary>
    public string? RequestedTier { get; init; }

    /// <summary>What the provider reported; null when it reported nothing.</summary>
    public NormalizedUsage? Usage { get; init; }

    /// <summary>What the provider had reported before the answer was cut: the input, as a rule, and the beginning of the output.</summary>
    public NormalizedUsage? PartialUsage { get; init; }

    /// <summary>UTF-8 bytes of what was received: text, reasoning and arguments of function calls. Bounds the output when no usage was reported.</summary>
    public long OutputBytes { get; init; }

    /// <summary>The fewest tokens that what was received can be; asked for only when the bytes are more than the limit of the answer.</summary>
    public Func<long>? LeastOutput { get; init; }

    /// <summary>Whether the stream was cut because it was longer than what a strict budget had held for it.</summary>
    public bool IsCutAtHold { get; init; }

    /// <summary>Whether the answer shows reasoning; what it shows may be only a summary of what is billed.</summary>
    public bool HasReasoning { get; init; }

    /// <summary>Question and answer as text, for an answer whose provider reported no usage; null when they are not all text.</summary>
    public Func<CountableText?>? Text { get; init; }

    /// <summary>Whether the answer was cut: abandoned by the reader, broken off by the provider, or ended without saying why.</summary>
    public bool IsIncomplete { get; init; }

    /// <summary>Whether the provider goes on making the answer, to be fetched later.</summary>
    public bool IsUnderWay { get; init; }

    public TimeSpan? TimeToFirstChunk { get; init; }

    public string? Error { get; init; }
}
