using Microsoft.Extensions.Logging.Testing;

namespace LlmCostCache.AI.Tests;

public class ReservationTests
{
    private static readonly Budget s_daily = Budget.Daily(0.000001m);

    [Fact]
    public async Task What_fits_is_held_and_what_does_not_is_refused_with_where_the_budget_stands()
    {
        await using var home = new LedgerHome();
        var store = home.Open();

        Assert.True((await store.ReserveAsync(home.Request("a", home.Hold(s_daily, 600)))).Accepted);
        var refused = await store.ReserveAsync(home.Request("b", home.Hold(s_daily, 401)));
        var fits = await store.ReserveAsync(home.Request("c", home.Hold(s_daily, 400)));

        Assert.False(refused.Accepted);
        Assert.Equal(0, refused.RefusedBy);
        Assert.Equal(600, refused.Balances[0].Reserved.Nanos);
        Assert.True(fits.Accepted);
    }

    [Fact]
    public async Task Of_two_budgets_both_are_held_or_none()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        var small = Budget.Daily(0.0000001m).Named("small");

        var refused = await store.ReserveAsync(home.Request("a", home.Hold(s_daily, 200), home.Hold(small, 200)));

        Assert.Equal(1, refused.RefusedBy);
        Assert.All(await store.ReadBalancesAsync(), balance => Assert.Equal(0, balance.Reserved.Nanos));
        Assert.True((await store.VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task The_same_id_again_holds_nothing_twice()
    {
        await using var home = new LedgerHome();
        var store = home.Open();

        await store.ReserveAsync(home.Request("a", home.Hold(s_daily, 600)));
        var again = await store.ReserveAsync(home.Request("a", home.Hold(s_daily, 600)));

        Assert.True(again.Accepted);
        Assert.Equal(0, again.Balances[0].Reserved.Nanos);
        Assert.Equal(600, Assert.Single(await store.ReadBalancesAsync()).Reserved.Nanos);
    }

    [Fact]
    public async Task The_same_id_with_another_amount_is_a_conflict()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.ReserveAsync(home.Request("a", home.Hold(s_daily, 600)));

        await Assert.ThrowsAsync<LlmCostException>(async () => await store.ReserveAsync(home.Request("a", home.Hold(s_daily, 500))));

        Assert.Equal(600, Assert.Single(await store.ReadBalancesAsync()).Reserved.Nanos);
    }

    [Fact]
    public async Task Posting_replaces_the_hold_by_the_true_cost()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.ReserveAsync(home.Request("a", home.Hold(s_daily, 600)));

        Assert.True(await store.AppendAsync(home.Row("a", 250)));
        Assert.False(await store.AppendAsync(home.Row("a", 250)));

        var balance = Assert.Single(await store.ReadBalancesAsync());
        Assert.Equal((250, 0), (balance.Spent.Nanos, balance.Reserved.Nanos));
        Assert.True((await store.VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task Voiding_gives_everything_back_and_is_harmless_twice()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.ReserveAsync(home.Request("a", home.Hold(s_daily, 600)));

        await store.VoidAsync("a");
        await store.VoidAsync("a");
        await store.VoidAsync("never seen");

        var balance = Assert.Single(await store.ReadBalancesAsync());
        Assert.Equal((0, 0), (balance.Spent.Nanos, balance.Reserved.Nanos));
    }

    [Fact]
    public async Task What_died_is_booked_at_the_amount_held_when_the_next_call_reserves()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.ReserveAsync(home.Request("a", home.Hold(s_daily, 600)));

        home.Clock.Advance(TimeSpan.FromMinutes(10));
        var next = await store.ReserveAsync(home.Request("b", home.Hold(s_daily, 100)));

        Assert.Equal((600, 0), (next.Balances[0].Spent.Nanos, next.Balances[0].Reserved.Nanos));
        var row = Assert.Single(await store.ReadAsync(LedgerFilter.All).ToListAsync());
        Assert.Equal((CallStatus.Assumed, CostCertainty.Bounded, 0, 600, "none"), (row.Status, row.Cost.Certainty, row.Cost.Low.Nanos, row.Cost.High.Nanos, row.UsageSource));
        Assert.True((await store.VerifyAsync()).IsIntact);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(600)]
    [InlineData(700)]
    public async Task A_late_settlement_corrects_what_was_assumed(long truth)
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.ReserveAsync(home.Request("a", home.Hold(s_daily, 600)));
        home.Clock.Advance(TimeSpan.FromMinutes(11));
        await store.ReserveAsync(home.Request("b", home.Hold(s_daily, 1)));

        Assert.True(await store.AppendAsync(home.Row("a", truth)));
        Assert.False(await store.AppendAsync(home.Row("a", truth)));

        var row = Assert.Single(await store.ReadAsync(LedgerFilter.All).ToListAsync());
        Assert.Equal((CallStatus.Ok, CostCertainty.Known, truth), (row.Status, row.Cost.Certainty, row.Cost.Amount!.Value.Nanos));
        Assert.Equal(truth > 600 ? "late,overrun" : "late", row.Flags);
        Assert.Equal(truth, Assert.Single(await store.ReadBalancesAsync()).Spent.Nanos);
        var total = Assert.Single(await store.TotalsAsync(LedgerDimension.Status, null, LedgerFilter.All));
        Assert.Equal(("ok", 1, truth), (total.Key, total.Calls, total.Spent.Nanos));
        Assert.True((await store.VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task An_extended_reservation_is_still_alive_at_its_first_deadline()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.ReserveAsync(home.Request("a", home.Hold(s_daily, 600)));
        home.Clock.Advance(TimeSpan.FromMinutes(9));
        await store.ExtendAsync("a", TimeSpan.FromMinutes(10));

        home.Clock.Advance(TimeSpan.FromMinutes(9));
        var next = await store.ReserveAsync(home.Request("b", home.Hold(s_daily, 1)));

        Assert.Equal(600, next.Balances[0].Reserved.Nanos);
    }

    [Fact]
    public async Task What_a_process_that_died_had_held_is_booked_when_the_next_one_begins()
    {
        await using var home = new LedgerHome();
        await home.Open().ReserveAsync(home.Request("lost", home.Hold(s_daily, 600)));
        home.Clock.Advance(TimeSpan.FromMinutes(10));

        var store = home.Open();
        await store.ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, [s_daily]);

        var row = Assert.Single(await store.ReadAsync(LedgerFilter.All).ToListAsync());
        Assert.Equal(("lost", CallStatus.Assumed, 600), (row.Id, row.Status, row.Cost.High.Nanos));
    }

    [Fact]
    public async Task What_costs_more_than_was_held_is_booked_in_full_and_flagged()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.ReserveAsync(home.Request("a", home.Hold(s_daily, 600)));

        await store.AppendAsync(home.Row("a", 1_500));

        Assert.Equal("overrun", Assert.Single(await store.ReadAsync(LedgerFilter.All).ToListAsync()).Flags);
        Assert.False((await store.ReserveAsync(home.Request("b", home.Hold(s_daily, 1)))).Accepted);
    }

    [Fact]
    public async Task A_row_after_its_reservation_was_voided_is_still_written_down()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.ReserveAsync(home.Request("a", home.Hold(s_daily, 600)));
        await store.VoidAsync("a");

        Assert.True(await store.AppendAsync(home.Row("a", 70)));

        Assert.Equal(70, Assert.Single(await store.ReadBalancesAsync()).Spent.Nanos);
    }

    [Fact]
    public async Task A_call_across_midnight_is_charged_to_the_day_it_began_in()
    {
        await using var home = new LedgerHome();
        home.Clock.SetUtcNow(new DateTimeOffset(2026, 8, 22, 23, 59, 59, 900, TimeSpan.Zero));
        var store = home.Open();
        var row = home.Row("a", 300);
        await store.ReserveAsync(home.Request("a", home.Hold(s_daily, 600)));

        home.Clock.Advance(TimeSpan.FromSeconds(6));
        await store.AppendAsync(row);
        var tomorrow = await store.ReserveAsync(home.Request("b", home.Hold(s_daily, 1_000)));

        Assert.True(tomorrow.Accepted);
        Assert.Equal(0, tomorrow.Balances[0].Spent.Nanos);
        Assert.Equal(300, home.Scalar("SELECT MAX(posted_nanos) FROM budget_window"));
        Assert.True((await store.VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task A_new_budget_counts_what_the_ledger_already_holds()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        var alice = new Attribution { User = "alice", Session = "s1", Tags = ["beta"] };
        await store.AppendAsync(home.Row("a", 400, alice));
        await store.AppendAsync(home.Row("b", 300, new Attribution { User = "bob" }, model: "GPT-4o"));
        await store.AppendAsync(home.Row("c", 200, alice, at: LedgerHome.Noon.AddDays(-1)));

        var budgets = new[]
        {
            home.Hold(Budget.Daily(1m), 1), home.Hold(Budget.Daily(1m).ForUser("alice"), 1), home.Hold(Budget.Daily(1m).ForEachUser(), 1, "user=alice"),
            home.Hold(Budget.Total(1m).ForEachSession(), 1, "session=s1"), home.Hold(Budget.Daily(1m).ForTag("beta"), 1), home.Hold(Budget.Total(1m).ForModel("gpt-4O"), 1),
            home.Hold(Budget.Hourly(1m).ForUser("nobody"), 1),
        };
        var outcome = await store.ReserveAsync(home.Request("d", budgets));

        Assert.Equal([700, 400, 400, 600, 400, 300, 0], outcome.Balances.Select(balance => balance.Spent.Nanos));
        Assert.True((await store.VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task A_row_counts_in_every_window_it_belongs_to_though_nothing_was_held_there()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.ReserveAsync(home.Request("a", home.Hold(s_daily, 1), home.Hold(Budget.Daily(1m).ForUser("alice"), 1)));

        await store.AppendAsync(home.Row("other", 500, new Attribution { User = "alice" }));

        Assert.All(await store.ReadBalancesAsync(), balance => Assert.Equal((500, 1), (balance.Spent.Nanos, balance.Reserved.Nanos)));
    }

    [Fact]
    public async Task A_budget_that_only_warns_refuses_nothing_and_still_counts()
    {
        await using var home = new LedgerHome();
        var store = home.Open();

        var outcome = await store.ReserveAsync(home.Request("a", home.Hold(s_daily.Warn(), 5_000)));

        Assert.True(outcome.Accepted);
        Assert.Equal(5_000, Assert.Single(await store.ReadBalancesAsync()).Reserved.Nanos);
    }

    [Fact]
    public async Task A_raised_limit_keeps_what_was_spent()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, [s_daily]);
        await store.AppendAsync(home.Row("a", 900));

        await store.ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, [Budget.Daily(2m)]);

        var balance = Assert.Single(await store.ReadBalancesAsync());
        Assert.Equal((900, 2m), (balance.Spent.Nanos, balance.Limit.Usd));
    }

    [Fact]
    public async Task Two_stores_on_one_file_see_each_others_holds()
    {
        await using var home = new LedgerHome();
        var (one, other) = (home.Open(), home.Open());
        await one.ReserveAsync(home.Request("a", home.Hold(s_daily, 600)));

        var refused = await other.ReserveAsync(home.Request("b", home.Hold(s_daily, 500)));
        await other.AppendAsync(home.Row("a", 10));
        var fits = await one.ReserveAsync(home.Request("c", home.Hold(s_daily, 990)));

        Assert.False(refused.Accepted);
        Assert.True(fits.Accepted);
        Assert.True((await one.VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task An_unknown_cost_is_counted_as_unpriced_and_an_adjustment_prices_it()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.ReserveAsync(home.Request("a", home.Hold(s_daily, 0)));
        await store.AppendAsync(home.Row("a", 0) with { Cost = CallCost.Unpriced("no price") });
        var before = Assert.Single(await store.TotalsAsync(null, null, LedgerFilter.All));

        await store.AdjustAsync("a", CallCost.Between(Money.FromNanos(10), Money.FromNanos(30)), "tokenizer");
        var after = Assert.Single(await store.TotalsAsync(null, null, LedgerFilter.All));

        Assert.Equal((1, 1, 0), (before.Calls, before.Unpriced, before.Spent.Nanos));
        Assert.Equal((1, 0, 30, 10), (after.Calls, after.Unpriced, after.Spent.Nanos, after.Low.Nanos));
        Assert.Equal(30, Assert.Single(await store.ReadBalancesAsync()).Spent.Nanos);
        Assert.True((await store.VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task Adjusting_what_is_not_there_is_an_error_and_the_writer_goes_on()
    {
        await using var home = new LedgerHome();
        var store = home.Open();

        await Assert.ThrowsAsync<LlmCostException>(async () => await store.AdjustAsync("nobody", CallCost.Known(Money.Zero), "provider"));

        Assert.True(await store.AppendAsync(home.Row("a", 1)));
    }

    [Fact]
    public async Task A_sum_that_no_longer_fits_fails_alone_and_changes_nothing()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.AppendAsync(home.Row("a", long.MaxValue));

        await Assert.ThrowsAsync<OverflowException>(async () => await store.AppendAsync(home.Row("b", 1)));

        Assert.Equal(1, (await store.VerifyAsync()).Rows);
        Assert.True((await store.VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task What_expired_is_told_once_and_not_again_when_the_ledger_is_closed()
    {
        await using var home = new LedgerHome();
        var log = new FakeLogger();
        await using (var store = SqliteLedgerStore.Open(home.Path, home.Options, log))
        {
            await store.ReserveAsync(home.Request("a", home.Hold(s_daily, 100)));
            home.Clock.Advance(TimeSpan.FromMinutes(10));
            await store.ReserveAsync(home.Request("b", home.Hold(s_daily, 100)));
        }

        Assert.Single(log.Collector.GetSnapshot(), record => record.Message.Contains("expired before", StringComparison.Ordinal));
    }
}
