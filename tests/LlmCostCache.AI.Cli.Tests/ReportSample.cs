namespace LlmCostCache.AI.Cli.Tests;

/// <summary>A ledger of three weeks that a person can add up: whole cents, names that would like to be obeyed, and each kind of row that a report must not get wrong.</summary>
internal static class ReportSample
{
    public const string Formula = "=cmd()|'/C calc'!A0";
    public const string Script = "<script>alert(1)</script>";
    public const string Escape = "eve\u001b[31m";

    public static Task<SampleHome> CreateAsync(bool budgets = true) => SampleHome.CreateAsync(
        options =>
        {
            if (budgets)
            {
                options.Budgets.Add(Budget.Daily(10m));
                options.Budgets.Add(Budget.Monthly(15m));
                options.Budgets.Add(Budget.Monthly(2m).ForUser("alice").Named(Script));
            }
        },
        [.. Rows()]);

    /// <summary>
    /// In dollars: 2 Nov 4.00, 10 Nov 2.00, 16 Nov 1.10, 17 Nov 3.00, 19 Nov 0.72, 20 Nov 0.00, 21 Nov 0.50, 22 Nov 2.30; together 13.62. Saved: 0.50 on the 17th, -0.02 on the 19th, 0.50 on the 22nd.
    /// </summary>
    public static IEnumerable<UsageRecord> Rows()
    {
        yield return Row("2026-11-02T09:00:00Z", 4m, user: "alice", session: "s-1", agent: "planner", trace: "t-1");
        yield return Row("2026-11-10T15:00:00Z", 2m, "gpt-4o-mini", "bob", "s-2", "writer", "t-2");
        yield return Row("2026-11-16T10:00:00Z", 1.10m, user: "alice", session: "s-3", agent: "planner", trace: "t-3", latencyMs: 1_200);
        yield return Row("2026-11-17T23:30:00Z", 3m, "claude-sonnet-4", "alice", "s-3", "writer", "t-3", 2_800);
        yield return SampleHome.Hit("2026-11-17T12:00:00Z", 0.5m);
        yield return Row("2026-11-19T08:00:00Z", 0.70m, "deepseek-chat", "bob", "s-4", "planner", "t-4", 900) with { Currency = "CNY", NativeCost = 4.97m, FxRate = 7.1m, FxDate = new DateOnly(2026, 11, 19) };

        // A judge that was asked whether two questions are one, and said no: the cache cost something and saved nothing.
        var judge = Row("2026-11-19T09:00:00Z", 0.02m, "gpt-4o-mini");
        yield return judge with { Cost = judge.Cost with { Saved = Money.FromUsd(-0.02m) } };
        yield return Row("2026-11-20T14:00:00Z", 0m, user: "bob", latencyMs: 30_000) with { Status = CallStatus.Failed, Error = "timeout" };
        yield return Row("2026-11-20T14:01:00Z", 0m, user: "bob") with { Status = CallStatus.Blocked };
        yield return Row("2026-11-21T10:00:00Z", 0.30m, Script, Formula);
        yield return Row("2026-11-21T11:00:00Z", 0.20m, user: Escape);
        yield return Row("2026-11-22T10:00:00Z", 1.25m, user: "alice", session: "s-5", agent: "planner", trace: "t-5", latencyMs: 1_000);
        yield return Row("2026-11-22T11:00:00Z", 0.75m, "gpt-4o-mini", "bob", "s-5", "writer", "t-5", 500);
        yield return SampleHome.Hit("2026-11-22T12:00:00Z", 0.5m);
        yield return SampleHome.Unpriced("2026-11-22T13:00:00Z");
        var estimate = Row("2026-11-22T14:00:00Z", 0.30m);
        yield return estimate with { Cost = CallCost.Between(Money.FromUsd(0.1m), Money.FromUsd(0.3m), "the stream was cut") with { Usage = estimate.Cost.Usage } };
    }

    private static UsageRecord Row(string at, decimal usd, string model = "gpt-4o", string? user = null, string? session = null, string? agent = null, string? trace = null, int latencyMs = 0) =>
        SampleHome.Call(at, usd, model) with
        {
            Attribution = Attribution.None with { User = user, Session = session, Agent = agent, Team = user is "alice" or "bob" ? "red" : null, Tags = agent is null ? [] : [agent, "all"] },
            TraceId = trace,
            Latency = TimeSpan.FromMilliseconds(latencyMs),
        };
}
