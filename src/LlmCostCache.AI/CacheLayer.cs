namespace LlmCostCache.AI;

/// <summary>Where an answer came from when no provider was asked.</summary>
public enum CacheLayer
{
    /// <summary>A provider answered.</summary>
    None,

    /// <summary>The memory of this process.</summary>
    Memory,

    /// <summary>The SQLite file <c>cache.db</c>.</summary>
    Disk,

    /// <summary>A distributed cache shared with other machines.</summary>
    Distributed,

    /// <summary>A stored answer to a question of the same meaning.</summary>
    Semantic,

    /// <summary>An identical call was under way; its answer was shared.</summary>
    Coalesced,
}
