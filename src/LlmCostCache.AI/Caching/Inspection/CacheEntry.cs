namespace LlmCostCache.AI;

/// <summary>A row of <c>cache.db</c> without its answer.</summary>
internal sealed record CacheEntry
{
    /// <summary>The number of the row.</summary>
    public required long Id { get; init; }

    public required CacheKey Key { get; init; }

    public required bool IsEmbedding { get; init; }

    /// <summary>The stamp of the question; see <see cref="Invalidations"/>.</summary>
    public required long AskedAt { get; init; }

    public required DateTimeOffset StoredAt { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>Until when it is kept for the day the provider fails; not before <see cref="ExpiresAt"/>.</summary>
    public required DateTimeOffset KeptUntil { get; init; }

    /// <summary>When it was last served; <see cref="StoredAt"/> until then.</summary>
    public required DateTimeOffset UsedAt { get; init; }

    public required long Hits { get; init; }

    public required Money Saved { get; init; }

    /// <summary>How long it is in the file, with its outline.</summary>
    public required long Bytes { get; init; }

    public required bool IsTagged { get; init; }

    /// <summary>The id of the key that encrypted it; 0 for none. Then the names below are keyed digests until <see cref="CacheFile.Open(CacheEntry, AnswerSeal)"/> gives the names.</summary>
    public required long SealedBy { get; init; }

    public required string Model { get; init; }

    public required string Namespace { get; init; }

    public required string? Tenant { get; init; }

    /// <summary>Whether its names are still keyed digests.</summary>
    public bool IsSealed { get; init; }

    public bool IsExpired(DateTimeOffset now) => ExpiresAt <= now;
}
