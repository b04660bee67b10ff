using LlmCostCache.AI.Cli.Traces;

namespace LlmCostCache.AI.Cli.Simulation;

/// <summary>One strategy while a trace is replayed, with caches and budgets of its own. Every call is asked, a hit or refused.</summary>
internal sealed class StrategyRun(Strategy strategy, SimulationPlan plan, CallPrices prices)
{
    private readonly AnswerCache _answers = new(plan.TimeToLive, plan.MaxEntries);
    private readonly PromptCache _prompts = new(plan.PromptLifetime);
    private readonly BudgetRoom _room = new(plan.Budgets);
    private readonly Dictionary<(string? Provider, string Model), PromptCacheRule> _rules = [];

    public Strategy Strategy => strategy;

    private bool Caches => strategy.Caches && plan.Caches;

    /// <summary>Calls that a provider answered.</summary>
    public long Asked { get; private set; }

    /// <summary>Calls that the exact cache answered.</summary>
    public long Hits { get; private set; }

    /// <summary>Calls that a budget refused.</summary>
    public long Refused { get; private set; }

    /// <summary>Of the calls that were asked, those in the tier for what can wait.</summary>
    public long Batched { get; private set; }

    /// <summary>Calls that could have waited and whose model has no price in that tier; they were asked as usual.</summary>
    public long NotBatchable { get; private set; }

    /// <summary>Of the calls that were asked, those that the cheaper model got.</summary>
    public long Cheapened { get; private set; }

    /// <summary>Of the calls that were asked, those without a price; they are in no sum of money.</summary>
    public long Unpriced { get; private set; }

    /// <summary>Why the first of them has none.</summary>
    public string? WhyUnpriced { get; private set; }

    public Money Cost { get; private set; }

    public long InputTokens { get; private set; }

    /// <summary>Of the input, what the provider read from its cache of prompts.</summary>
    public long CachedInputTokens { get; private set; }

    /// <summary>Of the input, what the provider wrote to it at a premium.</summary>
    public long WrittenInputTokens { get; private set; }

    public long OutputTokens { get; private set; }

    public long Evicted => _answers.Evicted;

    /// <summary>Of the calls that somebody waits for.</summary>
    public LatencyTally Latency { get; } = new();

    /// <param name="call">The call.</param>
    /// <param name="number">Its number in the trace, from 1.</param>
    /// <param name="request">The key of its request at the model that is asked by default; null when the trace does not name requests.</param>
    /// <param name="now">Its time, or that of a call before it when the trace went back.</param>
    public void Take(TraceCall call, long number, CacheKey? request, DateTimeOffset now)
    {
        var (provider, model, isCheaper) = Asks(call, number, request);
        var key = !Caches ? null : isCheaper ? TraceQuestion.KeyOf(call, provider, model) : request;
        if (Caches && (key is { } known ? _answers.Finds(known, now) : call.WasHit))
        {
            Hits++;
            Latency.Add(LatencyModel.HitMs);
            return;
        }

        var usage = UsageOf(call, provider, model, now);
        var waits = strategy.Batches && plan.CanWait(call, number, request);
        var priced = prices.Of(call, provider, model, usage, waits ? plan.BatchTier : call.ServiceTier);
        var isBatched = waits && priced.Cost.Amount is not null;
        if (waits && !isBatched)
        {
            priced = prices.Of(call, provider, model, usage, call.ServiceTier);
        }

        if (!_room.Books(call.Attribution, model, priced, now))
        {
            Refused++;
            return;
        }

        Count(usage, priced);
        Batched += isBatched ? 1 : 0;
        NotBatchable += waits && !isBatched ? 1 : 0;
        Cheapened += isCheaper ? 1 : 0;
        if (!isBatched)
        {
            var wasMeasured = call.Latency is not null && plan.Model is null && !isCheaper && !(strategy.PromptCaches && call.Blocks is not null);
            Latency.Add(wasMeasured ? (decimal)call.Latency!.Value.Ticks / TimeSpan.TicksPerMillisecond : plan.Latency.Of(usage));
        }

        if (key is { } bought)
        {
            _answers.Store(bought, now);
        }

        if (strategy.PromptCaches && call.Blocks is { } blocks)
        {
            _prompts.Keep(blocks, model ?? "", now);
        }
    }

    private void Count(TokenUsage usage, PricedUsage priced)
    {
        Asked++;
        if (priced.Cost.Amount is { } amount)
        {
            Cost += amount;
        }
        else
        {
            Unpriced++;
            WhyUnpriced ??= priced.Cost.Reason;
        }

        InputTokens += usage.TotalInputTokens;
        CachedInputTokens += usage.CachedInputTokens + usage.CachedAudioTokens + usage.CachedImageTokens;
        WrittenInputTokens += usage.CacheWrite5mTokens + usage.CacheWrite1hTokens;
        OutputTokens += usage.TotalOutputTokens;
    }

    private (string? Provider, string? Model, bool IsCheaper) Asks(TraceCall call, long number, CacheKey? request)
    {
        if (strategy.Cheapens && plan.CheaperModel is { } cheaper && CallShare.Holds(plan.CheaperShare, number, request))
        {
            return (null, cheaper, true);
        }

        return plan.Model is { } other ? (plan.Provider, other, false) : (call.Provider, call.Model, false);
    }

    private TokenUsage UsageOf(TraceCall call, string? provider, string? model, DateTimeOffset now)
    {
        if (!strategy.PromptCaches)
        {
            return RepeatedPrompt.ReadAnew(call.Usage);
        }

        // What was recorded is what happened; blocks say what would happen.
        return call.Blocks is null || model is null ? call.Usage : _prompts.Read(RepeatedPrompt.ReadAnew(call.Usage), call.Blocks, model, RuleOf(provider, model, call.At), now);
    }

    private PromptCacheRule RuleOf(string? provider, string model, DateTimeOffset at)
    {
        if (!_rules.TryGetValue((provider, model), out var rule))
        {
            var facts = prices.Book.Find(provider, model, at);
            _rules.Add((provider, model), rule = PromptCaches.Instance.RuleFor(facts?.Provider ?? provider, facts?.Model ?? model));
        }

        return rule;
    }
}
