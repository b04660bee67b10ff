namespace LlmCostCache.AI;

/// <summary>Why a request was not let through.</summary>
internal enum RateRefusal
{
    None,

    /// <summary>By itself it is more than the limit ever lets through.</summary>
    TooLarge,

    /// <summary>As many wait as may.</summary>
    QueueFull,

    /// <summary>Its turn comes, or would have come, later than it may wait.</summary>
    WaitTooLong,
}
