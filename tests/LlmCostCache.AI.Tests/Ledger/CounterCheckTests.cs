namespace LlmCostCache.AI.Tests;

/// <summary>What is kept beside the rows is held against them when an application starts.</summary>
public class CounterCheckTests
{
    private static readonly Budget s_daily = Budget.Daily(1m);

    [Theory]
    [InlineData("UPDATE budget_window SET posted_nanos = 0")]
    [InlineData("UPDATE budget_window SET pending_nanos = 0")]
    [InlineData("UPDATE rollup_slot SET booked_nanos = booked_nanos + 1, calls = 0")]
    [InlineData("DELETE FROM rollup_slot")]
    public async Task A_wrong_counter_is_made_right_at_the_next_start(string damage)
    {
        await using var home = await EvidenceTests.FilledAsync();
        home.Execute(damage);

        var store = home.Open();
        await store.ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, [s_daily]);

        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task A_hard_budget_does_not_use_a_counter_that_says_too_little()
    {
        await using var home = new LedgerHome();
        var budget = Budget.Daily(Money.FromNanos(100).Usd);
        await using (var before = home.Open())
        {
            await before.ReserveAsync(home.Request("a", home.Hold(budget, 90)));
            await before.AppendAsync(home.Row("a", 90));
        }

        home.Execute("UPDATE budget_window SET posted_nanos = 0");
        var store = home.Open();
        await store.ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, [budget]);

        Assert.False((await store.ReserveAsync(home.Request("b", home.Hold(budget, 50)))).Accepted);
        Assert.True((await store.ReserveAsync(home.Request("c", home.Hold(budget, 10)))).Accepted);
    }

    [Fact]
    public async Task Rows_are_read_once_and_later_starts_begin_behind_them()
    {
        await using var home = await EvidenceTests.FilledAsync();
        await ConfigureAsync(home);
        Assert.Equal(1, home.Scalar("SELECT value LIKE '6:%' FROM meta WHERE key = 'checked'"));

        await using (var store = home.Open())
        {
            await store.AppendAsync(home.Row("later", 1));
        }

        await ConfigureAsync(home);
        Assert.Equal(1, home.Scalar("SELECT value LIKE '7:%' FROM meta WHERE key = 'checked'"));
    }

    [Fact]
    public async Task Adjusted_calls_of_another_model_are_summed_where_they_belong()
    {
        await using var home = new LedgerHome();
        await using (var store = home.Open())
        {
            await store.AppendAsync(home.Row("a", 10));
            await store.AdjustAsync("a", CallCost.Known(Money.FromNanos(4)), "provider");
            await store.AppendAsync(home.Row("b", 10));
        }

        home.Execute("UPDATE rollup_slot SET booked_nanos = 1");
        await ConfigureAsync(home);

        Assert.Empty((await home.Open().VerifyAsync()).Problems);
    }

    [Fact]
    public async Task An_archived_row_that_is_dated_years_ahead_keeps_no_quarter_hour_from_being_checked()
    {
        await using var home = new LedgerHome();
        await using (var store = home.Open())
        {
            await store.AppendAsync(home.Row("ahead", 2, at: LedgerHome.Noon.AddYears(9)));
            await store.AppendAsync(home.Row("old", 3, at: ArchiveTests.Month(5)));
            await store.AppendAsync(home.Row("now", 4));
        }

        ArchiveTests.Archive(home, 7);
        Assert.Equal(1, home.Scalar("SELECT COUNT(*) FROM entry"));
        home.Execute("UPDATE rollup_slot SET booked_nanos = 1 WHERE slot = (SELECT at / 900000000 FROM entry)");

        await ConfigureAsync(home);

        Assert.Empty((await home.Open().VerifyAsync()).Problems);
    }

    private static async Task ConfigureAsync(LedgerHome home)
    {
        await using var store = home.Open();
        await store.ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, [s_daily]);
    }
}
