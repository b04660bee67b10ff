using LlmCostCache.AI.Cli.Reports;
using LlmCostCache.AI.Cli.Repricing;

namespace LlmCostCache.AI.Cli.Checkup;

/// <summary>Finds models whose provider caches long prompts while none of the long prompts sent to it was ever read from there.</summary>
internal sealed class PromptCacheUse(PriceBook prices, Repricer repricer)
{
    private const string Check = "prompt_cache_unused";
    private const int LeastCalls = 20;

    /// <summary>From where on providers that cache when asked take a prompt.</summary>
    private const long LeastTokens = 1_024;

    private readonly Dictionary<(string? Provider, string? Model), Use> _models = [];

    public void Add(UsageRecord row)
    {
        var usage = row.Cost.Usage;
        if (row.Operation != "chat" || usage.TotalInputTokens < LeastTokens)
        {
            return;
        }

        if (!_models.TryGetValue((row.Provider, row.Model), out var use))
        {
            _models.Add((row.Provider, row.Model), use = new(RuleOf(row)));
        }

        use.Calls++;
        use.Touched |= usage.CachedInputTokens + usage.CacheWrite5mTokens + usage.CacheWrite1hTokens > 0;
        if (use.Touched)
        {
            return;
        }

        use.Cost += row.Cost.Amount ?? Money.Zero;
        var readable = use.Rule.IsAutomatic ? use.Rule.ReadableOf(usage.UncachedInputTokens) : usage.UncachedInputTokens;
        var read = repricer.InPlaceOf(row, usage with { UncachedInputTokens = usage.UncachedInputTokens - readable, CachedInputTokens = readable }, row.ServiceTier)?.Amount;
        if (read is { } cheaper && repricer.InPlaceOf(row, usage, row.ServiceTier)?.Amount is { } paid && paid > cheaper)
        {
            use.Avoidable += paid - cheaper;
        }
    }

    public CheckResult Result()
    {
        var unused = _models.Where(model => !model.Value.Touched && model.Value.Calls >= LeastCalls && model.Value.Avoidable > Money.Zero)
            .OrderByDescending(model => model.Value.Avoidable).ToList();
        if (unused.Count == 0)
        {
            return new(Check);
        }

        var names = string.Join(", ", unused.Take(3).Select(model => model.Key.Model ?? "(none)"));
        return new(Check)
        {
            What = $"No prompt of 1,024 tokens or more sent to {names}{(unused.Count > 3 ? " and others" : "")} was read from the provider's prompt cache, which costs a part.",
            Calls = unused.Sum(model => model.Value.Calls),
            Cost = unused.Aggregate(Money.Zero, (sum, model) => sum + model.Value.Cost),
            Avoidable = unused.Aggregate(Money.Zero, (sum, model) => sum + model.Value.Avoidable),
            Remedy = "Put what stays the same (instructions, tools, documents) first and what changes last; for Claude mark it with cache_control. If the prompts share no beginning, there is nothing to gain.",
        };
    }

    private PromptCacheRule RuleOf(UsageRecord row)
    {
        var entry = prices.FactOf(row.Provider, row.Model, row.At).Entry;
        return PromptCaches.Instance.RuleFor(entry?.Provider ?? row.Provider, entry?.Id ?? row.Model);
    }

    private sealed class Use(PromptCacheRule rule)
    {
        public PromptCacheRule Rule { get; } = rule;

        public long Calls { get; set; }

        public bool Touched { get; set; }

        public Money Cost { get; set; }

        public Money Avoidable { get; set; }
    }
}
