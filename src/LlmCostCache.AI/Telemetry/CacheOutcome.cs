namespace LlmCostCache.AI;

/// <summary>What the cache did about a call.</summary>
internal enum CacheOutcome
{
    /// <summary>Answered from a layer.</summary>
    Hit,

    /// <summary>Looked and found nothing.</summary>
    Miss,

    /// <summary>Did not look: the call cannot or must not be cached.</summary>
    Bypass,

    /// <summary>Shared the answer of an identical call under way.</summary>
    Coalesced,

    /// <summary>Answered from a layer although the answer had expired, because the provider failed.</summary>
    Stale,
}
