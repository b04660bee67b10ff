namespace LlmCostCache.AI.Benchmarks;

/// <summary>A typical row of the ledger.</summary>
internal static class Row
{
    private static readonly CallCost s_paid = CallCost.Known(Money.FromNanos(600_000)) with
    {
        Usage = new TokenUsage { UncachedInputTokens = 2_000, OutputTokens = 500, Requests = 1 },
        PriceRevision = "openai/gpt-4o-mini@2026-08-22",
    };

    private static readonly CallCost s_saved = s_paid with
    {
        Amount = Money.Zero,
        Low = Money.Zero,
        High = Money.Zero,
        Saved = s_paid.High,
        CacheLayer = CacheLayer.Memory,
    };

    private static readonly Attribution s_attribution = new() { Tenant = "acme", Project = "shop", Team = "support", User = "u-1", Feature = "summary" };

    public static UsageRecord New(CallStatus status) => new()
    {
        Id = CallToken.NewId(),
        At = TimeProvider.System.GetUtcNow(),
        Provider = "openai",
        RequestedModel = "gpt-4o-mini",
        Model = "gpt-4o-mini-2024-07-18",
        Status = status,
        Cost = status == CallStatus.Cached ? s_saved : s_paid,
        FinishReason = "stop",
        Latency = TimeSpan.FromMilliseconds(800),
        Attribution = s_attribution,
        ResponseId = "resp-1",
    };
}
