namespace LlmCostCache.AI.Tests;

/// <summary>Ledger rows as a meter hands them to telemetry.</summary>
internal static class MeteredRow
{
    /// <summary>Two dollars spent and a half reserved of ten a day.</summary>
    public static WindowBalance QuarterOfDailyTen { get; } = new(
        new BudgetWindow(Budget.Daily(10m), "", DateTimeOffset.MinValue, DateTimeOffset.MaxValue),
        Money.FromUsd(10m), Money.FromUsd(2m), Money.FromUsd(0.5m));

    public static UsageRecord Priced(decimal usd, TokenUsage? usage = null) =>
        Of(CallCost.Known(Money.FromUsd(usd)) with { Usage = usage ?? TokenUsage.None });

    public static UsageRecord Unpriced(TokenUsage? usage = null) =>
        Of(CallCost.Unpriced("no price") with { Usage = usage ?? TokenUsage.None });

    public static UsageRecord Of(CallCost cost) => new()
    {
        Id = "attempt-1",
        At = DateTimeOffset.UnixEpoch,
        Provider = "openai",
        RequestedModel = "gpt-4o-mini",
        Model = "gpt-4o-mini-2024-07-18",
        Cost = cost,
        Attribution = new Attribution { User = "alice", Session = "session-7", Tenant = "acme", Project = "my-app" },
    };
}
