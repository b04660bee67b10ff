namespace LlmCostCache.AI;

/// <summary>Which entries of the cache are meant; null means any.</summary>
internal sealed record EntryFilter
{
    public static EntryFilter All { get; } = new();

    /// <summary>The model that was asked.</summary>
    public string? Model { get; init; }

    public string? Namespace { get; init; }

    public string? Tenant { get; init; }

    public string? Tag { get; init; }

    /// <summary>How the instructions of the question begin.</summary>
    public string? SystemPrompt { get; init; }

    /// <summary>Only what was asked for before this stamp.</summary>
    public long? AskedUpTo { get; init; }

    /// <summary>Only what had expired by then.</summary>
    public DateTimeOffset? ExpiredAt { get; init; }

    public bool IsAll => this == All;
}
