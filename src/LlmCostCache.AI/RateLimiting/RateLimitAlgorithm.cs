namespace LlmCostCache.AI;

/// <summary>How a <see cref="RateLimit"/> counts over time.</summary>
public enum RateLimitAlgorithm
{
    /// <summary>
    /// What was counted leaves the window exactly one window later: no stretch of time as long as the window ever holds more than the limit, wherever it begins.
    /// After a burst everyone waits until the burst has left.
    /// </summary>
    SlidingWindow,

    /// <summary>
    /// A bucket that starts full and is refilled evenly: after a burst requests go on at a steady pace. A window can hold up to the burst and the limit together.
    /// </summary>
    TokenBucket,
}
