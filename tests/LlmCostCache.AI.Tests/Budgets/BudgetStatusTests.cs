using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

public sealed class BudgetStatusTests : IDisposable
{
    private static readonly DateTimeOffset s_noon = new(2026, 8, 22, 12, 0, 0, TimeSpan.Zero);

    private readonly FakeTimeProvider _clock = new(s_noon);
    private readonly TempHome _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task It_says_what_is_spent_left_and_taken_in_the_last_hour()
    {
        await using var costs = Open(Budget.Monthly(10m));
        await RecordAsync(costs, 4m, s_noon.AddHours(-3));
        await RecordAsync(costs, 1m, s_noon.AddSeconds(-3_600));
        await RecordAsync(costs, 2m, s_noon.AddSeconds(-3_599));
        await RecordAsync(costs, 1m, s_noon.AddDays(-1).AddMinutes(-30));

        var status = Assert.Single(await costs.GetBudgetStatusAsync());
        Assert.Equal((Usd(10m), Usd(8m), Usd(0m), Usd(2m), 0.8m), (status.Limit, status.Spent, status.Reserved, status.Remaining, status.Utilization));
        Assert.Equal(Usd(2m), status.HourlyRate);
        Assert.Equal((new DateTimeOffset(2026, 8, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2026, 9, 1, 0, 0, 0, TimeSpan.Zero)), (status.StartsAt, status.ResetsAt));

        // Calls go back more than a day: the last 24 hours, seven dollars, go on for nine and a half days.
        Assert.Equal((Usd(8m + 7m * 9.5m), ProjectionBasis.LastDay), (status.Projected, status.ProjectionBasis));
    }

    [Fact]
    public async Task The_rate_is_of_the_calls_that_the_budget_counts()
    {
        await using var costs = Open(Budget.Daily(10m).ForModel("gpt-4o"));
        await RecordAsync(costs, 1m, s_noon.AddMinutes(-5), "gpt-4o-mini");
        await RecordAsync(costs, 3m, s_noon.AddMinutes(-5), "gpt-4o");
        Assert.Equal(Usd(3m), Assert.Single(await costs.GetBudgetStatusAsync()).HourlyRate);
    }

    [Fact]
    public async Task Rate_and_projection_are_left_out_when_nobody_asks_for_them()
    {
        await using var costs = Open(Budget.Daily(10m));
        var status = Assert.Single(await costs.GetBudgetStatusAsync(projections: false));
        Assert.Equal((null, null, ProjectionBasis.None), (status.HourlyRate, status.Projected, status.ProjectionBasis));
    }

    [Fact]
    public async Task A_limit_of_zero_is_used_up_and_divides_nothing()
    {
        await using var costs = Open(Budget.Daily(0m));
        var status = Assert.Single(await costs.GetBudgetStatusAsync());
        Assert.Equal((1m, Usd(0m)), (status.Utilization, status.Remaining));
    }

    [Fact]
    public async Task A_projection_over_the_limit_is_announced_once_in_a_period()
    {
        var told = new List<BudgetNotice>();
        await using var costs = Open(Budget.Daily(10m).NotifyAt(), told);
        await RecordAsync(costs, 1m, s_noon.AddHours(-2));
        await RecordAsync(costs, 1m, s_noon.AddMinutes(-5));
        await costs.Watch.LookAsync();
        await costs.FlushAsync();

        // A dollar an hour for the twelve that are left.
        var notice = Assert.Single(told);
        Assert.Equal((BudgetNoticeKind.Projection, Usd(14m)), (notice.Kind, notice.Projected!.Value));
        Assert.Contains("will cross its limit: $2.00 of $10.00 is spent (20%), and $14.00 will be when the period ends.", notice.Message, StringComparison.Ordinal);

        await costs.Watch.LookAsync();
        await using var other = Open(Budget.Daily(10m).NotifyAt(), told);
        await other.Watch.LookAsync();
        await other.FlushAsync();
        Assert.Single(told);
    }

    [Fact]
    public async Task A_busy_hour_is_no_projection_of_a_month()
    {
        var told = new List<BudgetNotice>();
        await using var costs = Open(Budget.Monthly(10m).NotifyAt(), told);
        await RecordAsync(costs, 1m, s_noon.AddHours(-2));
        await RecordAsync(costs, 1m, s_noon.AddMinutes(-5));
        await costs.Watch.LookAsync();
        await costs.FlushAsync();
        Assert.Empty(told);
    }

    [Fact]
    public async Task What_is_spent_is_looked_at_a_minute_later()
    {
        var told = new TaskCompletionSource<BudgetNotice>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var costs = LlmCosts.Open(o =>
        {
            o.HomeDirectory = _home.Path;
            o.TimeProvider = _clock;
            o.Budgets.Add(Budget.Daily(10m).NotifyAt());
            o.OnBudgetNotice(notice => told.TrySetResult(notice));
        });
        await RecordAsync(costs, 1m, s_noon.AddHours(-2));
        await RecordAsync(costs, 1m, s_noon.AddMinutes(-5));
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(BudgetNoticeKind.Projection, (await told.Task).Kind);
    }

    [Fact]
    public async Task A_check_allows_what_fits_exactly_and_refuses_a_nano_dollar_more_with_four_decimals()
    {
        await using var costs = Open(Budget.Daily(10m).Named("d").FallBackTo("small", "smaller"));
        await RecordAsync(costs, 7.5m, s_noon);
        Assert.True((await costs.CheckBudgetsAsync(Money.FromUsd(2.5m))).IsAllowed);

        var check = await costs.CheckBudgetsAsync(Money.FromUsd(2.50004m));
        Assert.Equal((false, "d", "Budget 'd' has $2.5000 left, less than the estimated $2.5000."), (check.IsAllowed, check.Budget!.Name, check.Reason));
        Assert.Equal(["small", "smaller"], check.FallbackModels);
    }

    [Fact]
    public async Task A_check_names_no_models_that_a_budget_which_asks_would_not_fall_back_to()
    {
        await using var costs = Open(Budget.Daily(1m).FallBackTo("small").Ask((_, _) => ValueTask.FromResult(BudgetAnswer.Block)));
        var check = await costs.CheckBudgetsAsync(Money.FromUsd(2m));
        Assert.False(check.IsAllowed);
        Assert.Empty(check.FallbackModels);
    }

    [Fact]
    public async Task A_check_warns_from_four_fifths_on_with_percentage_and_remainder()
    {
        await using var costs = Open(Budget.Daily(10m).Named("d"));
        await RecordAsync(costs, 8m, s_noon);
        Assert.Empty((await costs.CheckBudgetsAsync(Money.FromUsd(0.1m))).Warnings);
        await RecordAsync(costs, 0.25m, s_noon);
        var check = await costs.CheckBudgetsAsync(Money.FromUsd(0.1m));
        Assert.True(check.IsAllowed);
        Assert.Equal("Budget 'd' is used 82.5%; $1.7500 remains.", Assert.Single(check.Warnings));
    }

    [Fact]
    public async Task A_check_refuses_where_no_token_or_request_is_left()
    {
        await using var costs = Open(Budget.Daily(BudgetAmount.Requests(2)).Named("r"));
        await RecordAsync(costs, 1m, s_noon);
        Assert.True((await costs.CheckBudgetsAsync(Money.Zero)).IsAllowed);
        await RecordAsync(costs, 1m, s_noon);

        var check = await costs.CheckBudgetsAsync(Money.Zero);

        Assert.Equal((false, "r", "Budget 'r' has 0 requests left, and a call takes at least one."), (check.IsAllowed, check.Budget?.Name, check.Reason));
    }

    [Fact]
    public async Task A_check_counts_for_who_pays_and_allows_where_no_budget_counts()
    {
        await using var costs = Open(Budget.Daily(1m).ForTeam("alpha"));
        Assert.True((await costs.CheckBudgetsAsync(Money.FromUsd(5m))).IsAllowed);
        using (CostScope.Begin(team: "alpha"))
        {
            Assert.False((await costs.CheckBudgetsAsync(Money.FromUsd(5m))).IsAllowed);
        }
    }

    private LlmCosts Open(Budget budget, List<BudgetNotice>? told = null) => LlmCosts.Open(o =>
    {
        o.HomeDirectory = _home.Path;
        o.TimeProvider = _clock;
        o.Budgets.Add(budget);
        o.OnBudgetNotice(notice => told?.Add(notice));
    });

    private static async Task RecordAsync(LlmCosts costs, decimal usd, DateTimeOffset at, string model = "gpt-4o-mini") => await costs.RecordAsync(new UsageRecord
    {
        Id = Guid.NewGuid().ToString("N"),
        At = at,
        RequestedModel = model,
        Model = model,
        Cost = CallCost.Known(Money.FromUsd(usd)) with { Usage = new TokenUsage { Requests = 1 } },
    });

    private static BudgetAmount Usd(decimal usd) => BudgetAmount.FromUsd(usd);
}
