namespace LlmCostCache.AI.Tests;

/// <summary>A month of a busy company, scaled down; <c>--month</c> of the benchmarks measures it in full size.</summary>
public class MonthTests
{
    private const int Days = 30;

    private static readonly DateTimeOffset s_start = new(2026, 7, 23, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task The_sums_of_a_month_are_those_of_its_rows_and_are_few_without_the_callers()
    {
        await using var home = Written(20_000);
        var store = home.Open();

        Assert.Empty((await store.VerifyAsync()).Problems);
        using var connection = home.Connect();
        foreach (var (by, thenBy) in ((LedgerDimension?, LedgerDimension?)[])[(null, null), (LedgerDimension.Day, LedgerDimension.Model), (LedgerDimension.User, null)])
        {
            foreach (var filter in (LedgerFilter[])[LedgerFilter.All, new() { Since = s_start.AddSeconds(100_001), Until = s_start.AddDays(20), Model = "gpt-4o" }])
            {
                var totals = new LedgerTotals(connection, LedgerCalendar.Utc, by, thenBy);
                Assert.Equal(new LedgerTotals(connection, LedgerCalendar.Utc, by, thenBy).Sum(filter, default, fromRows: true), totals.Sum(filter, default));
            }
        }

        // With ten million calls the quarter-hours have room for no more sums than this of all callers together: statuses and layers of twelve models.
        Assert.InRange(home.Scalar("SELECT COUNT(*) FROM dimension WHERE whole = 1"), 12, 12 * 6);
    }

    [Fact]
    public async Task An_export_of_a_month_reads_a_page_at_a_time_and_each_call_once()
    {
        await using var home = Written(5_000);
        var ids = new List<string>();
        using var connection = home.Connect();
        LedgerPage? page = null;
        while (page is not { IsLast: true })
        {
            page = LedgerReader.Page(connection, LedgerFilter.All, page);
            Assert.InRange(page.Entries.Count, 0, 1_000);
            ids.AddRange(page.Entries.Select(entry => entry.Id));
        }

        Assert.Equal(5_000, ids.Distinct().Count());
        Assert.Equal(5_000, ids.Count);
    }

    private static LedgerHome Written(int rows)
    {
        var home = new LedgerHome(fast: true);
        new MonthLedger(rows, s_start, Days).WriteTo(home.Path);
        return home;
    }
}
