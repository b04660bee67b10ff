using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI.Tests;

/// <summary>Finding the windows that count a row takes as long after years as on the first day.</summary>
public class WindowLookupTests
{
    private static readonly Budget s_minute = Budget.PerMinute(BudgetAmount.FromUsd(1m));

    [Theory]
    [InlineData(BudgetPeriod.Minute, 16)]
    [InlineData(BudgetPeriod.Hour, 2)]
    [InlineData(BudgetPeriod.Day, 3)]
    [InlineData(BudgetPeriod.Week, 2)]
    [InlineData(BudgetPeriod.Month, 2)]
    [InlineData(BudgetPeriod.Quarter, 2)]
    [InlineData(BudgetPeriod.Year, 2)]
    public async Task A_row_reads_only_the_windows_that_can_contain_it(BudgetPeriod period, int most)
    {
        await using var home = new LedgerHome();
        await home.Open().DisposeAsync();
        var calendar = new BudgetCalendar(TimeZoneInfo.Utc, DayOfWeek.Monday);
        using var connection = SqliteFile.Open(home.File, SqliteOpenMode.ReadWrite);
        SqliteFile.Execute(connection, "PRAGMA foreign_keys = OFF");
        using (var insert = new SqliteStatement(connection, "INSERT INTO budget_window VALUES ('b', '', ?1, ?2, 0, 0)"))
        {
            var at = LedgerHome.Noon;
            for (var i = 0; i < 500; i++)
            {
                var (startsAt, endsAt) = calendar.WindowOf(period, at);
                insert.Bind(1, LedgerTime.Micros(startsAt)).Bind(2, LedgerTime.Micros(endsAt)).Run();
                at = startsAt.AddTicks(-1);
            }
        }

        var slot = LedgerTime.Slot(LedgerTime.Micros(LedgerHome.Noon));

        // Whatever its end: so many rows of the index are visited.
        using var visited = new SqliteStatement(connection, CalendarWindows.SlotWindows.Replace("AND ends_at > ?3", "AND ?3 IS NOT NULL", StringComparison.Ordinal));
        visited.Bind(1, "b").Bind(2, "").Bind(3, LedgerTime.SlotStart(slot)).Bind(4, LedgerTime.SlotStart(slot + 1)).Bind(5, CalendarWindows.EarliestStart(period, slot));
        var count = 0;
        while (visited.Step())
        {
            count++;
        }

        Assert.InRange(count, 1, most);
    }

    [Fact]
    public async Task The_index_of_the_windows_by_their_start_is_used()
    {
        await using var home = new LedgerHome();
        await home.Open().DisposeAsync();

        Assert.Equal(
            ["SEARCH budget_window USING PRIMARY KEY (budget_id=? AND window_key=? AND starts_at>? AND starts_at<?)"], Plan(home, CalendarWindows.SlotWindows));
        Assert.Equal(
            ["SEARCH budget_window USING INDEX budget_window_end (budget_id=? AND ends_at>?)"], Plan(home, "SELECT posted_nanos FROM budget_window WHERE budget_id = ?1 AND starts_at <= ?2 AND ends_at > ?2"));
    }

    [Fact]
    public async Task Rows_that_come_late_are_counted_in_the_window_of_their_time()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        for (var minute = 0; minute < 40; minute++)
        {
            await store.OpenWindowAsync(home.Hold(s_minute, 0, at: LedgerHome.Noon.AddMinutes(minute)).Window);
        }

        await store.AppendAsync(home.Row("early", 3, at: LedgerHome.Noon));
        await store.AppendAsync(home.Row("last", 5, at: LedgerHome.Noon.AddMinutes(40).AddTicks(-10)));
        await store.AppendAsync(home.Row("between", 7, at: LedgerHome.Noon.AddMinutes(15)));

        Assert.Equal("3,7,5", Text(home, "SELECT group_concat(posted_nanos) FROM (SELECT * FROM budget_window WHERE posted_nanos > 0 ORDER BY starts_at)"));
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    /// <summary>When the zone of an application changes, the windows of one budget overlap; each counts what lies in it.</summary>
    [Fact]
    public async Task Windows_of_two_zones_each_count_a_row()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        var budget = Budget.Monthly(1m);
        foreach (var zone in (string[])["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
        {
            var (startsAt, endsAt) = new BudgetCalendar(TimeZoneInfo.FindSystemTimeZoneById(zone), DayOfWeek.Monday).WindowOf(budget, new DateTimeOffset(2026, 8, 31, 5, 0, 0, TimeSpan.Zero));
            await store.OpenWindowAsync(new BudgetWindow(budget, "", startsAt, endsAt));
        }

        await store.AppendAsync(home.Row("a", 5, at: new DateTimeOffset(2026, 8, 31, 9, 59, 0, TimeSpan.Zero)));
        await store.AppendAsync(home.Row("b", 7, at: new DateTimeOffset(2026, 8, 31, 10, 1, 0, TimeSpan.Zero)));

        Assert.Equal("5,12,12", Text(home, "SELECT group_concat(posted_nanos) FROM (SELECT * FROM budget_window ORDER BY starts_at)"));
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    private static List<string> Plan(LedgerHome home, string sql)
    {
        using var connection = home.Connect();
        using var select = new SqliteStatement(connection, $"EXPLAIN QUERY PLAN {sql}");
        var plan = new List<string>();
        while (select.Step())
        {
            plan.Add(select.Text(3));
        }

        return plan;
    }

    private static string Text(LedgerHome home, string sql)
    {
        using var connection = home.Connect();
        using var select = new SqliteStatement(connection, sql);
        select.Step();
        return select.Text(0);
    }
}
