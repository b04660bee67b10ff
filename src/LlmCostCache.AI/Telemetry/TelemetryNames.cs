namespace LlmCostCache.AI;

/// <summary>The names of everything we emit. Once released they are API: dashboards and alerts are built on them.</summary>
internal static class TelemetryNames
{
    /// <summary>The meter and the activity source.</summary>
    public const string Source = "LlmCostCache.AI";

    // Instruments
    public const string OperationCost = "gen_ai.client.operation.cost";
    public const string CostTotal = "llmcostcache.cost.total";
    public const string CostSaved = "llmcostcache.cost.saved";
    public const string Unpriced = "llmcostcache.unpriced";
    public const string Tokens = "llmcostcache.tokens";
    public const string CacheRequests = "llmcostcache.cache.requests";
    public const string CacheUnstored = "llmcostcache.cache.unstored";
    public const string CacheFailures = "llmcostcache.cache.failures";
    public const string BudgetRejections = "llmcostcache.budget.rejections";
    public const string BudgetUtilization = "llmcostcache.budget.utilization";
    public const string LedgerDropped = "llmcostcache.ledger.dropped";
    public const string RateWait = "llmcostcache.rate_limit.wait";
    public const string RateRejections = "llmcostcache.rate_limit.rejections";
    public const string Retries = "llmcostcache.retries";
    public const string RunawayStops = "llmcostcache.runaway.stops";

    // Tags of the GenAI conventions
    public const string Operation = "gen_ai.operation.name";
    public const string Provider = "gen_ai.provider.name";
    public const string RequestModel = "gen_ai.request.model";
    public const string ResponseModel = "gen_ai.response.model";
    public const string InputTokens = "gen_ai.usage.input_tokens";
    public const string OutputTokens = "gen_ai.usage.output_tokens";
    public const string CostAmount = "gen_ai.usage.cost.amount";
    public const string CostCurrency = "gen_ai.usage.cost.currency";
    public const string CostSource = "gen_ai.usage.cost.source";
    public const string UsageCost = "gen_ai.usage.cost";
    public const string ErrorType = "error.type";

    /// <summary>Written by Microsoft.Extensions.AI.OpenAI on the current chat span; read, never written, by us.</summary>
    public const string OpenAIServiceTier = "openai.response.service_tier";

    // Our own tags
    public const string TokenKind = "llmcostcache.token.kind";
    public const string CacheResult = "llmcostcache.cache.result";
    public const string CacheLayer = "llmcostcache.cache.layer";
    public const string BypassReason = "llmcostcache.cache.bypass_reason";
    public const string FailureReason = "llmcostcache.failure.reason";
    public const string BudgetPeriod = "llmcostcache.budget.period";
    public const string BudgetName = "llmcostcache.budget.name";
    public const string BudgetRejected = "llmcostcache.budget.rejected";
    public const string RateLimitName = "llmcostcache.rate_limit.name";
    public const string RateLimitResult = "llmcostcache.rate_limit.result";
    public const string RunawayRule = "llmcostcache.runaway.rule";
    public const string UsageEstimated = "llmcostcache.usage.estimated";
    public const string PromptCacheHit = "llmcostcache.prompt_cache.hit";
    public const string PromptCacheReadTokens = "llmcostcache.prompt_cache.read_tokens";
    public const string PromptCacheWriteTokens = "llmcostcache.prompt_cache.write_tokens";

    // Values
    public const string Usd = "USD";
    public const string SourceLocal = "local";
    public const string SourceProvider = "provider";

    /// <summary>What a tag says after its distinct values have run out.</summary>
    public const string Other = "other";

    /// <summary>In <see cref="UsageRecord.Flags"/>: the provider named the cost itself, it was not computed from a price.</summary>
    public const string ProviderCostFlag = "provider_cost";

    public static string Of(CacheLayer layer) => layer switch
    {
        AI.CacheLayer.Memory => "memory",
        AI.CacheLayer.Disk => "disk",
        AI.CacheLayer.Distributed => "distributed",
        AI.CacheLayer.Semantic => "semantic",
        AI.CacheLayer.Coalesced => "coalesced",
        _ => "none",
    };

    public static string Of(CacheOutcome outcome) => outcome switch
    {
        CacheOutcome.Hit => "hit",
        CacheOutcome.Miss => "miss",
        CacheOutcome.Bypass => "bypass",
        CacheOutcome.Stale => "stale",
        _ => "coalesced",
    };

    public static string Of(BudgetPeriod period) => period switch
    {
        AI.BudgetPeriod.PerCall => "call",
        AI.BudgetPeriod.Minute => "minute",
        AI.BudgetPeriod.Hour => "hour",
        AI.BudgetPeriod.Day => "day",
        AI.BudgetPeriod.Week => "week",
        AI.BudgetPeriod.Month => "month",
        AI.BudgetPeriod.Quarter => "quarter",
        AI.BudgetPeriod.Year => "year",
        AI.BudgetPeriod.Rolling => "rolling",
        _ => "total",
    };

    /// <summary>
    /// What a budget may be called where many people read along. A name given in code is used as it is; a name made from the scope
    /// leaves out who the user or the session is.
    /// </summary>
    public static string Of(Budget budget)
    {
        if (budget.GivenName is { } given)
        {
            return given;
        }

        var scope = Anonymous(budget.Scope);
        var kind = budget.Unit == BudgetUnit.Usd ? Of(budget.Period) : $"{Of(budget.Period)} {BudgetText.Word(budget.Unit)}";
        return scope == BudgetScope.Everything ? kind : $"{kind} {scope}";
    }

    /// <inheritdoc cref="Of(Budget)"/>
    public static string Of(RateLimit limit)
    {
        if (limit.GivenName is { } given)
        {
            return given;
        }

        var scope = Anonymous(limit.Scope);
        var per = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{limit.Amount(limit.Limit)} per {limit.Window}");
        return scope == BudgetScope.Everything ? per : $"{per} {scope}";
    }

    public static string Of(RateRefusal reason) => reason switch
    {
        RateRefusal.TooLarge => "too_large",
        RateRefusal.QueueFull => "queue_full",
        _ => "wait_too_long",
    };

    public static string Of(RunawayRule rule) => rule switch
    {
        AI.RunawayRule.Cost => "cost",
        AI.RunawayRule.Calls => "calls",
        _ => "repeated_tool_rounds",
    };

    private static BudgetScope Anonymous(BudgetScope scope) => scope.User is null && scope.Session is null
        ? scope
        : scope with { User = scope.User is null ? null : BudgetScope.Each, Session = scope.Session is null ? null : BudgetScope.Each };
}
