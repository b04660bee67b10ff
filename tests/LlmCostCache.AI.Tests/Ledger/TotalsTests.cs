using System.Globalization;
using CsCheck;

namespace LlmCostCache.AI.Tests;

public class TotalsTests
{
    [Fact]
    public async Task Totals_come_in_the_same_order_in_every_culture()
    {
        await using var home = new LedgerHome(fast: true);
        await using var store = home.Open();
        foreach (var user in new[] { "b", "aa", "B", "a-b", "ab" })
        {
            await store.AppendAsync(home.Row(user, 1, new Attribution { User = user }));
        }

        using var connection = home.Connect();
        var before = CultureInfo.CurrentCulture;
        try
        {
            // Danish sorts 'aa' last, and most languages sort 'B' behind 'aa'. Machines without the data of languages know the invariant culture only.
            foreach (var culture in CultureInfo.GetCultures(CultureTypes.AllCultures).Where(culture => culture.Name is "" or "en-US" or "da-DK"))
            {
                CultureInfo.CurrentCulture = culture;
                var totals = new LedgerTotals(connection, new LedgerCalendar(TimeZoneInfo.Utc, DayOfWeek.Monday), LedgerDimension.User, null).Sum(LedgerFilter.All, default);
                Assert.Equal(["B", "a-b", "aa", "ab", "b"], totals.Select(total => total.Key));
            }
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Fact]
    public async Task The_days_of_every_zone_add_up_to_the_range_and_equal_the_days_counted_row_by_row()
    {
        await using var home = new LedgerHome(fast: true);
        var random = new Random(5);
        await using (var store = home.Open())
        {
            // Around the days on which clocks are set forward and back.
            DateTimeOffset[] centres = [new(2026, 3, 29, 0, 0, 0, TimeSpan.Zero), new(2026, 10, 25, 0, 0, 0, TimeSpan.Zero), new(2026, 4, 5, 0, 0, 0, TimeSpan.Zero), new(2026, 3, 8, 0, 0, 0, TimeSpan.Zero)];
            await Task.WhenAll(Enumerable.Range(0, 1_000).Select(i =>
                store.AppendAsync(home.Row($"{i}", random.Next(1, 1_000_000), at: centres[i % 4].AddSeconds(random.Next(-200_000, 200_000)))).AsTask()));
        }

        using var connection = home.Connect();
        foreach (var zone in TimeZoneInfo.GetSystemTimeZones().Where((zone, i) => TestSize.IsCi || i % 20 == 0 || zone.BaseUtcOffset.Minutes == 45))
        {
            var calendar = new LedgerCalendar(zone, DayOfWeek.Monday);
            var all = Assert.Single(new LedgerTotals(connection, calendar, null, null).Sum(LedgerFilter.All, default));
            foreach (var period in new[] { LedgerDimension.Hour, LedgerDimension.Day, LedgerDimension.Week, LedgerDimension.Month })
            {
                var rolled = new LedgerTotals(connection, calendar, period, null).Sum(LedgerFilter.All, default);
                var counted = new LedgerTotals(connection, calendar, period, null).Sum(LedgerFilter.All, default, fromRows: true);
                Assert.Equal(counted, rolled);
                Assert.Equal(all.Spent.Nanos, rolled.Sum(total => total.Spent.Nanos));
                Assert.Equal(all.Calls, rolled.Sum(total => total.Calls));
            }
        }
    }

    [Fact]
    public async Task Totals_from_the_sums_equal_totals_from_the_rows_for_any_question()
    {
        await using var home = new LedgerHome(TimeZoneInfo.FindSystemTimeZoneById("Asia/Kathmandu"), fast: true);
        var random = new Random(7);
        var store = home.Open();
        string?[] names = [null, "a", "b"];
        CallCost[] costs = [CallCost.Known(Money.FromNanos(70)), CallCost.Between(Money.FromNanos(5), Money.FromNanos(9)), CallCost.Unpriced("?"), CallCost.Known(Money.Zero) with { Saved = Money.FromNanos(3), CacheLayer = CacheLayer.Disk }];
        for (var i = 0; i < 1_000; i++)
        {
            var who = new Attribution { Tenant = names[random.Next(3)], Project = names[random.Next(3)], Team = names[random.Next(3)], User = names[random.Next(3)], Feature = names[random.Next(3)], Session = names[random.Next(3)], Agent = names[random.Next(3)], Tags = random.Next(2) == 0 ? [] : ["x", "y"] };
            await store.AppendAsync(home.Row($"{i}", 0, who, names[random.Next(3)], LedgerHome.Noon.AddSeconds(random.Next(400_000))) with { Cost = costs[random.Next(4)] with { Usage = new TokenUsage { OutputTokens = random.Next(50) } }, Status = (CallStatus)random.Next(7), Provider = names[random.Next(3)] });
        }

        for (var i = 0; i < 60; i++)
        {
            await store.AdjustAsync($"{random.Next(1_000)}", costs[random.Next(3)], "tokenizer");
        }

        using var connection = home.Connect();
        var calendar = new LedgerCalendar(home.Options.TimeZone, DayOfWeek.Monday);
        var dimension = Gen.OneOf(Gen.Const((LedgerDimension?)null), Gen.Enum<LedgerDimension>().Select(value => (LedgerDimension?)value));
        var name = Gen.OneOf(new string?[] { null, null, "a", "b", "nobody" }.Select(value => Gen.Const(value)).ToArray());
        var instant = Gen.OneOf(Gen.Const((DateTimeOffset?)null), Gen.Int[-10_000, 400_000].Select(seconds => (DateTimeOffset?)LedgerHome.Noon.AddSeconds(seconds)));
        var filter = Gen.Select(name, name, name, instant, instant, (user, model, session, since, until) =>
            new LedgerFilter { User = user, Model = model, Session = session == "a" ? session : null, Since = since, Until = until });
        Gen.Select(dimension, dimension, filter).Sample(
            (by, thenBy, wanted) => Assert.Equal(
                new LedgerTotals(connection, calendar, by, thenBy).Sum(wanted, default, fromRows: true), new LedgerTotals(connection, calendar, by, thenBy).Sum(wanted, default)),
            iter: TestSize.Cases / 100,
            threads: 1);
    }

    [Fact]
    public async Task Two_dimensions_group_within_each_other_and_missing_names_come_last()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.AppendAsync(home.Row("1", 1, new Attribution { User = "bob", Team = "blue" }));
        await store.AppendAsync(home.Row("2", 2, new Attribution { User = "alice", Team = "blue" }));
        await store.AppendAsync(home.Row("3", 4, new Attribution { User = "alice", Team = "blue" }));
        await store.AppendAsync(home.Row("4", 8));

        var totals = await store.TotalsAsync(LedgerDimension.Team, LedgerDimension.User, LedgerFilter.All);

        Assert.Equal([("blue", "alice", 6), ("blue", "bob", 1), (null, null, 8)], totals.Select(total => (total.Key, total.ThenKey, total.Spent.Nanos)));
    }

    [Fact]
    public async Task Hits_refusals_and_failures_are_counted_apart_and_their_tokens_are_not_used_ones()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.AppendAsync(home.Row("1", 10));
        await store.AppendAsync(home.Row("2", 0) with { Status = CallStatus.Cached, Cost = CallCost.Known(Money.Zero) with { Saved = Money.FromNanos(10), CacheLayer = CacheLayer.Memory, Usage = new TokenUsage { OutputTokens = 5 } } });
        await store.AppendAsync(home.Row("3", 0) with { Status = CallStatus.Coalesced });
        await store.AppendAsync(home.Row("4", 0) with { Status = CallStatus.Blocked });
        await store.AppendAsync(home.Row("5", 0) with { Status = CallStatus.Failed, Cost = CallCost.Known(Money.Zero) });

        var total = Assert.Single(await store.TotalsAsync(null, null, LedgerFilter.All));

        Assert.Equal((5, 2, 1, 1, 10, 10, 5), (total.Calls, total.Hits, total.Blocked, total.Failed, total.Spent.Nanos, total.Saved.Nanos, total.Usage.OutputTokens));
    }

    [Fact]
    public async Task Nothing_recorded_is_one_total_of_zero()
    {
        await using var home = new LedgerHome();

        Assert.Equal(0, Assert.Single(await home.Open().TotalsAsync(null, null, LedgerFilter.All)).Calls);
        Assert.Empty(await home.Open().TotalsAsync(LedgerDimension.Day, null, LedgerFilter.All));
    }

    [Fact]
    public async Task A_call_counts_under_each_of_its_tags()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.AppendAsync(home.Row("1", 10, new Attribution { Tags = ["x", "y"] }));

        Assert.Equal(["x", "y"], (await store.TotalsAsync(LedgerDimension.Tag, null, LedgerFilter.All)).Select(total => total.Key));
    }

    [Theory]
    [InlineData("America/Santiago", "2026-09-06", 23)]
    [InlineData("Europe/Berlin", "2026-10-25", 25)]
    [InlineData("Australia/Lord_Howe", "2026-04-05", 24.5)]
    [InlineData("Africa/Cairo", "2026-04-24", 23)]
    [InlineData("America/Havana", "2026-11-01", 25)]
    public void A_day_is_as_long_as_its_zone_makes_it(string zone, string day, double hours)
    {
        var found = TimeZoneInfo.FindSystemTimeZoneById(zone);
        var noon = DateTime.Parse(day, System.Globalization.CultureInfo.InvariantCulture).AddHours(12);

        var (startsAt, endsAt) = new LedgerCalendar(found, DayOfWeek.Monday).WindowOf(BudgetPeriod.Day, new DateTimeOffset(noon, found.GetUtcOffset(noon)));

        Assert.Equal(hours, (endsAt - startsAt).TotalHours);
    }
}
