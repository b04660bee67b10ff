namespace LlmCostCache.AI;

/// <summary>How a provider's own cache of prompts treats a prompt that is sent again.</summary>
internal sealed record PromptCacheRule
{
    /// <summary>Ids of the providers it holds for; empty for all.</summary>
    public IReadOnlyList<string> Providers { get; init; } = [];

    /// <summary>Patterns for the models it holds for; empty for all.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>Whether prompts are cached without being asked for.</summary>
    public bool IsAutomatic { get; init; }

    /// <summary>The shortest prompt that is cached.</summary>
    public long MinimumTokens { get; init; }

    /// <summary>The cached part of a prompt is a multiple of this.</summary>
    public long StepTokens { get; init; } = 1;

    /// <summary>How long after its last use a prompt is still cached, at most.</summary>
    public TimeSpan Lifetime { get; init; }

    public required string Source { get; init; }

    public bool HoldsFor(string? provider, string model) =>
        (Providers.Count == 0 || (provider is not null && Providers.Contains(provider, StringComparer.OrdinalIgnoreCase)))
        && (Models.Count == 0 || Models.Any(pattern => ProviderDirectory.HostMatches(model, pattern)));

    /// <summary>How many tokens of a prompt that was sent a moment ago are read from the cache.</summary>
    public long ReadableOf(long promptTokens) => IsAutomatic && promptTokens >= MinimumTokens ? promptTokens - (promptTokens % StepTokens) : 0;
}
