namespace LlmCostCache.AI.Cli.Traces;

/// <summary>One request of a trace: what is known of it, whoever wrote it down.</summary>
internal sealed record TraceCall
{
    /// <summary>How many tokens a block of <see cref="Blocks"/> stands for; the last one may be shorter.</summary>
    public const int BlockTokens = 512;

    public required DateTimeOffset At { get; init; }

    public string? Provider { get; init; }

    /// <summary>Null when the trace names none.</summary>
    public string? Model { get; init; }

    public string? ServiceTier { get; init; }

    public string? Region { get; init; }

    /// <summary>What it used, as far as the trace says; for a hit what its answer had used when it was bought.</summary>
    public required TokenUsage Usage { get; init; }

    /// <summary>Names the whole request: two with the same key asked the same of the same model. Null when the trace does not know.</summary>
    public string? Key { get; init; }

    /// <summary>Names for the prompt from its beginning on, each for 512 tokens together with all before them; null when the trace does not know.</summary>
    public IReadOnlyList<long>? Blocks { get; init; }

    /// <summary>Whether nobody waits for the answer, so that a batch may bring it tomorrow.</summary>
    public bool CanWait { get; init; }

    /// <summary>The most output that was asked for; null when the trace does not know.</summary>
    public int? MaxOutputTokens { get; init; }

    public CallStatus Status { get; init; }

    public string? Error { get; init; }

    /// <summary>How long the provider took; null when the trace does not know.</summary>
    public TimeSpan? Latency { get; init; }

    public Attribution Attribution { get; init; } = Attribution.None;

    /// <summary>Whether it was answered from a cache when it was recorded.</summary>
    public bool WasHit => Status is CallStatus.Cached or CallStatus.Coalesced;
}
