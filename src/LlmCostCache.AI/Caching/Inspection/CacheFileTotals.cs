namespace LlmCostCache.AI;

/// <summary>What <c>cache.db</c> holds, in figures.</summary>
internal sealed record CacheFileTotals
{
    public required long Entries { get; init; }

    /// <summary>Entries that are not served any more but were not swept yet, or are kept for the day the provider fails.</summary>
    public required long Expired { get; init; }

    public required long Embeddings { get; init; }

    /// <summary>Entries that are encrypted.</summary>
    public required long Sealed { get; init; }

    /// <summary>Bytes of answers and outlines.</summary>
    public required long Bytes { get; init; }

    /// <summary>Bytes of the file that are in use; what counts against the limit.</summary>
    public required long UsedBytes { get; init; }

    /// <summary>Bytes on the disk, the write-ahead log among them.</summary>
    public required long FileBytes { get; init; }

    public required long Hits { get; init; }

    public required Money Saved { get; init; }

    public required DateTimeOffset? Oldest { get; init; }

    public required DateTimeOffset? Newest { get; init; }

    /// <summary>When the next entry expires that is still served.</summary>
    public required DateTimeOffset? NextToExpire { get; init; }
}
