namespace LlmCostCache.AI;

/// <summary>What became, or would become, of a question at the cache on disk.</summary>
internal enum MissVerdict
{
    /// <summary>It is stored and would be answered.</summary>
    Hit,

    /// <summary>It was stored and has expired.</summary>
    Expired,

    /// <summary>It is stored, but its row cannot be read: it was changed, or needs a key or secret that was not given.</summary>
    Unreadable,

    /// <summary>The cache is not asked at all.</summary>
    Bypass,

    /// <summary>Something near is stored, and some parts differ.</summary>
    Different,

    /// <summary>Nothing near is stored.</summary>
    NothingNear,
}
