namespace LlmCostCache.AI;

/// <summary>How long a webhook is waited for, and how often it is tried.</summary>
internal sealed record WebhookPace
{
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>What pauses are measured with.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public int Retries { get; init; } = 4;

    /// <summary>The pause before the first further try; it doubles.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A receiver that asks for more patience than this is not sent the notice.</summary>
    public TimeSpan LongestRetryAfter { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>What is left at the end has this long.</summary>
    public TimeSpan Farewell { get; init; } = TimeSpan.FromSeconds(5);
}
