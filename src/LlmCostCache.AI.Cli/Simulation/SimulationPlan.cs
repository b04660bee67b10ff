using LlmCostCache.AI.Cli.Traces;

namespace LlmCostCache.AI.Cli.Simulation;

/// <summary>What is assumed about the calls of a trace.</summary>
internal sealed record SimulationPlan
{
    /// <summary>The model that is asked; null for each call's own.</summary>
    public string? Model { get; init; }

    public string? Provider { get; init; }

    /// <summary>Whether there is an exact cache at all.</summary>
    public bool Caches { get; init; } = true;

    public TimeSpan TimeToLive { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How many answers the cache holds; the one that was not used for longest goes first.</summary>
    public int MaxEntries { get; init; } = 100_000;

    /// <summary>How long after its last use a provider still has a prompt.</summary>
    public TimeSpan PromptLifetime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Whether a made-up ledger sends in batches what can wait; a table always tells what that would do.</summary>
    public bool Batches { get; init; }

    public string BatchTier { get; init; } = "batch";

    /// <summary>The share of calls that can wait, where the trace does not say which can.</summary>
    public decimal BatchShare { get; init; }

    /// <summary>Features whose calls can wait.</summary>
    public IReadOnlySet<string> BatchFeatures { get; init; } = new HashSet<string>();

    public string? CheaperModel { get; init; }

    public decimal CheaperShare { get; init; }

    public IReadOnlyList<Budget> Budgets { get; init; } = [];

    public LatencyModel Latency { get; init; } = new();

    /// <summary>What goes wrong with calls of a made-up ledger.</summary>
    public MistakePlan Mistakes { get; init; } = MistakePlan.None;

    /// <param name="call">The call.</param>
    /// <param name="number">Its number in the trace, from 1.</param>
    /// <param name="request">The key of its request; null when the trace does not name requests.</param>
    public bool CanWait(TraceCall call, long number, CacheKey? request) => call.ServiceTier is null or "standard" or "default"
        && (call.CanWait || (call.Attribution.Feature is { } feature && BatchFeatures.Contains(feature)) || CallShare.Holds(BatchShare, number, request));
}
