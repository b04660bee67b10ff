namespace LlmCostCache.AI;

/// <summary>What the cache will do for one question, decided before anything is looked up.</summary>
internal sealed class CachePlan
{
    /// <summary>Names the question; meaningless when <see cref="BypassReason"/> says that it cannot be named.</summary>
    public CacheKey Key { get; init; }

    public bool CanRead { get; init; }

    public bool CanStore { get; init; }

    /// <summary>Why the cache is neither asked nor filled; null when it is.</summary>
    public string? BypassReason { get; init; }

    public TimeSpan TimeToLive { get; init; }

    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>The model that is asked; empty when nobody named one.</summary>
    public string Model { get; init; } = "";

    /// <summary>The namespace of the call, else that of the application; empty when there is none.</summary>
    public string Namespace { get; init; } = "";

    /// <summary>Whose question it is; null when the scope names no tenant.</summary>
    public string? Tenant { get; init; }

    /// <summary>The beginning of the question's instructions; null when it has none.</summary>
    public string? SystemPrompt { get; init; }

    public required CachePolicy Policy { get; init; }

    /// <summary>When the question was asked, for invalidation: an answer asked for before an invalidation is older than it, whenever it
    /// arrives.</summary>
    public long AskedAt { get; init; }
}
