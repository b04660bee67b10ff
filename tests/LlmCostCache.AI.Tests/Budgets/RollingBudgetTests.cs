using CsCheck;

namespace LlmCostCache.AI.Tests;

public class RollingBudgetTests
{
    private static readonly Gen<TimeSpan> s_spans = Gen.OneOf(
        Gen.Long[1_000, 60_000].Select(ms => TimeSpan.FromMilliseconds(ms)),
        Gen.Long[1, 100 * 3_600].Select(seconds => TimeSpan.FromSeconds(seconds)),
        Gen.Long[1, 366].Select(days => TimeSpan.FromDays(days)));

    [Fact]
    public void The_slices_beside_a_call_contain_every_span_that_contains_it_and_one_slice_more() =>
        Gen.Select(s_spans, Gen.Long[new DateTime(2024, 1, 1).Ticks, new DateTime(2030, 1, 1).Ticks]).Sample(
            (span, ticks) =>
            {
                var slices = RollingSlices.Of(span);
                var at = new DateTimeOffset(ticks, TimeSpan.Zero);
                var (start, end) = slices.SliceOf(at);
                return start <= at && at < end && end - start == slices.Length
                    && slices.FirstBeside(start) <= at - span + TimeSpan.FromTicks(1)
                    && slices.LastBeside(start) + slices.Length >= at + span
                    && slices.Count * slices.Length - span < slices.Length;
            },
            iter: TestSize.Cases);

    [Fact]
    public void Longer_spans_are_counted_in_quarter_hours_which_the_ledger_keeps_sums_of() =>
        s_spans.Sample(span => span < TimeSpan.FromHours(4) || RollingSlices.Of(span).Length.Ticks % TimeSpan.FromMinutes(15).Ticks == 0, iter: 1_000);

    [Theory]
    [InlineData(1, 0)]
    [InlineData(60, 0)]
    [InlineData(86_400, 0)]
    [InlineData(7 * 86_400, 0)]
    [InlineData(60, 30)]
    public async Task A_rolling_limit_is_exceeded_at_no_position_of_the_span(int spanSeconds, int backwardsSeconds)
    {
        const long Limit = 10_000;
        var span = TimeSpan.FromSeconds(spanSeconds);
        for (var seed = 0; seed < 5; seed++)
        {
            await using var home = new LedgerHome(fast: true);
            var store = home.Open();
            var random = new Random(seed);
            var budget = Budget.Rolling(Money.FromNanos(Limit), span);
            var accepted = 0;
            for (var step = 0; step < 200; step++)
            {
                home.Clock.Advance(span * (random.Next(100) / 1_500.0));
                if (backwardsSeconds > 0 && random.Next(20) == 0)
                {
                    home.Clock.AdjustTime(home.Clock.GetUtcNow() - TimeSpan.FromSeconds(random.Next(backwardsSeconds)));
                }

                var amount = random.Next(1, 3_000);
                var id = $"{step}";
                if ((await store.ReserveAsync(home.Request(id, home.Hold(budget, amount)) with { Timeout = TimeSpan.FromDays(400) })).Accepted)
                {
                    accepted++;
                    await store.AppendAsync(home.Row(id, random.Next(amount / 2, amount + 1)));
                }
            }

            var rows = await store.ReadAsync(LedgerFilter.All).ToListAsync();
            Assert.All(rows, first => Assert.True(
                rows.Where(row => row.At >= first.At && row.At < first.At + span).Sum(row => row.Cost.Amount!.Value.Nanos) <= Limit, $"seed {seed}: the span from {first.At:O}"));
            Assert.True(accepted > 10, $"seed {seed}: only {accepted} calls fitted");
            Assert.Empty((await store.VerifyAsync()).Problems);
        }
    }

    [Fact]
    public async Task What_was_spent_counts_for_the_whole_span_and_at_most_one_slice_longer()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        var budget = Budget.Rolling(Money.FromNanos(1_000), TimeSpan.FromHours(1));
        await store.ReserveAsync(home.Request("a", home.Hold(budget, 1_000)));
        await store.AppendAsync(home.Row("a", 1_000));

        home.Clock.Advance(TimeSpan.FromMinutes(60) - TimeSpan.FromTicks(10));
        var refused = await store.ReserveAsync(home.Request("b", home.Hold(budget, 1)));
        home.Clock.Advance(TimeSpan.FromMinutes(1) + TimeSpan.FromTicks(10));
        var fits = await store.ReserveAsync(home.Request("c", home.Hold(budget, 1_000)));

        Assert.False(refused.Accepted);
        Assert.Equal(1_000, refused.Balances[0].Spent.Nanos);
        Assert.Equal(LedgerHome.Noon + TimeSpan.FromMinutes(61), refused.Balances[0].FitsAt);
        Assert.True(fits.Accepted);
    }

    [Theory]
    [InlineData(60)]
    [InlineData(86_400)]
    public async Task A_new_rolling_budget_counts_what_the_ledger_already_holds_for_its_span(int spanSeconds)
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        var span = TimeSpan.FromSeconds(spanSeconds);
        await store.AppendAsync(home.Row("old", 400, at: LedgerHome.Noon - 1.1 * span));
        await store.AppendAsync(home.Row("recent", 600, at: LedgerHome.Noon - 0.5 * span));
        await store.AppendAsync(home.Row("now", 300));
        var budget = Budget.Rolling(Money.FromNanos(1_000), span);

        var refused = await store.ReserveAsync(home.Request("a", home.Hold(budget, 101)));
        var fits = await store.ReserveAsync(home.Request("b", home.Hold(budget, 100)));

        Assert.Equal((false, 900L), (refused.Accepted, refused.Balances[0].Spent.Nanos));
        Assert.True(fits.Accepted);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task Calls_that_reserved_nothing_count_too_also_when_they_are_recorded_late()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        var budget = Budget.Rolling(Money.FromNanos(1_000), TimeSpan.FromHours(1)).ForEachUser();
        var alice = new Attribution { User = "alice" };
        await store.ReserveAsync(home.Request("a", home.Hold(budget, 1, "user=alice")));
        await store.VoidAsync("a");

        home.Clock.Advance(TimeSpan.FromMinutes(30));
        await store.AppendAsync(home.Row("metered", 700, alice));
        await store.AppendAsync(home.Row("late", 200, alice, at: LedgerHome.Noon + TimeSpan.FromMinutes(10)));
        var refused = await store.ReserveAsync(home.Request("b", home.Hold(budget, 101, "user=alice")));

        Assert.Equal((false, 900L), (refused.Accepted, refused.Balances[0].Spent.Nanos));
        Assert.Equal(900, Assert.Single(await store.ReadBalancesAsync()).Spent.Nanos);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task Slices_that_no_span_reaches_any_more_are_deleted_and_the_rest_still_adds_up()
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();
        var budget = Budget.Rolling(Money.FromNanos(1_000), TimeSpan.FromHours(1));
        for (var i = 0; i < 600; i++)
        {
            Assert.True((await store.ReserveAsync(home.Request($"{i}", home.Hold(budget, 10)))).Accepted);
            await store.AppendAsync(home.Row($"{i}", 10));
            home.Clock.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.InRange(home.Scalar("SELECT COUNT(*) FROM budget_window"), 61, 180);
        Assert.Equal(600, Assert.Single(await store.ReadBalancesAsync()).Spent.Nanos);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task A_row_of_a_slice_that_was_deleted_is_counted_nowhere_and_all_still_adds_up()
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();
        var budget = Budget.Rolling(Money.FromNanos(1_000), TimeSpan.FromHours(1));
        await store.ReserveAsync(home.Request("a", home.Hold(budget, 10)));
        home.Clock.Advance(TimeSpan.FromHours(5));
        await store.ReserveAsync(home.Request("b", home.Hold(budget, 10)));

        await store.AppendAsync(home.Row("late", 500, at: LedgerHome.Noon + TimeSpan.FromMinutes(5)));
        home.Clock.AdjustTime(LedgerHome.Noon + TimeSpan.FromMinutes(30));
        var back = await store.ReserveAsync(home.Request("c", home.Hold(budget, 10)));

        // With the clock set back the old slices count again, and their rows are read anew.
        Assert.Equal(510, back.Balances[0].Spent.Nanos);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(367 * 86_400)]
    public void A_span_out_of_its_bounds_is_refused(double seconds) =>
        Assert.Throws<ArgumentOutOfRangeException>("span", () => Budget.Rolling(1m, TimeSpan.FromSeconds(seconds)));

    /// <summary>A span of 255 minutes has seventeen quarter-hours, so that half of it ends in the midst of one.</summary>
    [Fact]
    public async Task A_clock_that_goes_back_finds_no_room_where_slices_were_deleted()
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();
        var budget = Budget.Rolling(Money.FromNanos(1_000), TimeSpan.FromMinutes(255));
        var slice = TimeSpan.FromMinutes(15);
        foreach (var (slicesAgo, amount) in ((double, long)[])[(40, 1), (25.25, 900), (0, 1)])
        {
            home.Clock.AdjustTime(LedgerHome.Noon - slicesAgo * slice);
            var id = $"{slicesAgo}";
            Assert.True((await store.ReserveAsync(home.Request(id, home.Hold(budget, amount)))).Accepted);
            Assert.True(await store.AppendAsync(home.Row(id, amount)));
        }

        Assert.Equal(0, home.Scalar($"SELECT COUNT(*) FROM budget_window WHERE starts_at = {LedgerTime.Micros(LedgerHome.Noon - 40 * slice)}"));
        home.Clock.AdjustTime(LedgerHome.Noon - 9 * slice);
        var outcome = await store.ReserveAsync(home.Request("back", home.Hold(budget, 200)));

        Assert.False(outcome.Accepted);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }
}
