using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>Machines whose clock is wrong by decades, or is set while a call is under way.</summary>
public class StrangeClockTests
{
    [Theory]
    [InlineData("1970-01-01T00:00:00Z")]
    [InlineData("2038-01-19T03:14:08Z")]
    [InlineData("9998-12-30T23:59:59Z")]
    public async Task Any_year_is_a_year(string now)
    {
        using var home = new TempHome();
        var options = new LlmCostsOptions { TimeProvider = new FakeTimeProvider(DateTimeOffset.Parse(now, System.Globalization.CultureInfo.InvariantCulture)) };
        await using var store = SqliteLedgerStore.Open(home.Path, options, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        var at = options.TimeProvider.GetUtcNow();
        foreach (var budget in new[] { Budget.Hourly(1m), Budget.Daily(1m), Budget.Weekly(1m), Budget.Monthly(1m), Budget.Total(1m) })
        {
            var (startsAt, endsAt) = LedgerCalendar.Utc.WindowOf(budget.Period, at);
            var record = new UsageRecord { Id = budget.Id, At = at, Cost = CallCost.Known(Money.FromNanos(5)) };
            var request = new ReservationRequest { Record = record, Holds = [new Hold(new BudgetWindow(budget, "", startsAt, endsAt), Money.FromNanos(9), true)], Timeout = TimeSpan.FromMinutes(10) };
            Assert.True((await store.ReserveAsync(request)).Accepted);
            Assert.True(await store.AppendAsync(record));
        }

        Assert.Equal(5, (await store.ReadAsync(LedgerFilter.All).ToListAsync()).Count);
        Assert.Equal(25, Assert.Single(await store.TotalsAsync(null, null, LedgerFilter.All)).Spent.Nanos);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task A_clock_that_goes_back_during_a_call_neither_ends_its_hold_early_nor_begins_its_day_again()
    {
        await using var home = new LedgerHome();
        var daily = Budget.Daily(0.000001m);
        var store = home.Open();
        await store.ReserveAsync(home.Request("a", home.Hold(daily, 600)));
        home.Clock.AdjustTime(home.Clock.GetUtcNow().AddHours(-2));

        var other = await store.ReserveAsync(home.Request("b", home.Hold(daily, 500)));
        Assert.False(other.Accepted);
        Assert.Equal((0, 600), (other.Balances[0].Spent.Nanos, other.Balances[0].Reserved.Nanos));
        Assert.True(await store.AppendAsync(home.Row("a", 550, at: LedgerHome.Noon)));
        Assert.Equal(550, Assert.Single(await store.ReadBalancesAsync()).Spent.Nanos);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task A_clock_that_jumps_ahead_ends_holds_at_their_amount_and_a_late_answer_corrects_them()
    {
        await using var home = new LedgerHome();
        var total = Budget.Total(0.000001m);
        var store = home.Open();
        await store.ReserveAsync(home.Request("a", home.Hold(total, 600)));
        home.Clock.AdjustTime(home.Clock.GetUtcNow().AddHours(2));
        Assert.False((await store.ReserveAsync(home.Request("b", home.Hold(total, 500)))).Accepted);
        home.Clock.AdjustTime(LedgerHome.Noon);
        Assert.True(await store.AppendAsync(home.Row("a", 100)));
        Assert.Equal((100, 0), (Assert.Single(await store.ReadBalancesAsync()).Spent.Nanos, Assert.Single(await store.ReadBalancesAsync()).Reserved.Nanos));
        Assert.Empty((await store.VerifyAsync()).Problems);
    }
}
