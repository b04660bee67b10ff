namespace LlmCostCache.AI.Cli.Simulation;

/// <summary>A way to make the calls of a trace.</summary>
/// <param name="Name">As it stands in the table.</param>
internal sealed record Strategy(string Name)
{
    /// <summary>Whether a request that was answered before is answered from a cache.</summary>
    public bool Caches { get; init; }

    /// <summary>Whether the provider reads the beginning of a prompt from its own cache.</summary>
    public bool PromptCaches { get; init; }

    /// <summary>Whether what can wait goes to the tier for that.</summary>
    public bool Batches { get; init; }

    /// <summary>Whether a share goes to the cheaper model.</summary>
    public bool Cheapens { get; init; }

    public static Strategy Base { get; } = new("base");

    public static Strategy PromptCache { get; } = new("prompt cache") { PromptCaches = true };

    public static Strategy Cached { get; } = new("cached") { Caches = true };

    public static Strategy CachedBesidePromptCache { get; } = new("cached + prompt cache") { Caches = true, PromptCaches = true };

    public static Strategy Batched { get; } = new("batched") { Batches = true };

    public static Strategy Cheaper { get; } = new("cheaper model") { Cheapens = true };

    public static Strategy All { get; } = new("all") { Caches = true, PromptCaches = true, Batches = true, Cheapens = true };

    /// <summary>The strategies in the order of the table.</summary>
    public static IReadOnlyList<Strategy> Everything { get; } = [Base, PromptCache, Cached, CachedBesidePromptCache, Batched, Cheaper, All];
}
