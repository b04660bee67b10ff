using CsCheck;

namespace LlmCostCache.AI.Tests;

public class BudgetCalendarTests
{
    private static readonly BudgetPeriod[] s_periods =
    [BudgetPeriod.Minute, BudgetPeriod.Hour, BudgetPeriod.Day, BudgetPeriod.Week, BudgetPeriod.Month, BudgetPeriod.Quarter, BudgetPeriod.Year];

    private static readonly TimeZoneInfo[] s_zones = [.. TimeZoneInfo.GetSystemTimeZones()];

    private static readonly Gen<(TimeZoneInfo Zone, BudgetPeriod Period, DayOfWeek WeekStart, int FiscalYearStart, DateTimeOffset At)> s_moments = Gen.Select(
        Gen.Int[0, s_zones.Length - 1].Select(i => s_zones[i]),
        Gen.Int[0, s_periods.Length - 1].Select(i => s_periods[i]),
        Gen.Int[0, 6],
        Gen.Int[1, 12],
        Gen.Long[new DateTime(2024, 1, 1).Ticks, new DateTime(2030, 1, 1).Ticks],
        (zone, period, week, month, ticks) => (zone, period, (DayOfWeek)week, month, new DateTimeOffset(ticks, TimeSpan.Zero)));

    [Fact]
    public void Every_instant_is_in_its_window() =>
        s_moments.Sample(
            m =>
            {
                var (start, end) = new BudgetCalendar(m.Zone, m.WeekStart, m.FiscalYearStart).WindowOf(m.Period, m.At);
                return start <= m.At && m.At < end;
            },
            iter: TestSize.Cases);

    [Fact]
    public void No_window_is_longer_than_the_longest_of_its_period() =>
        s_moments.Sample(
            m =>
            {
                var (start, end) = new BudgetCalendar(m.Zone, m.WeekStart, m.FiscalYearStart).WindowOf(m.Period, m.At);
                return end - start <= BudgetCalendar.NoLongerThan(m.Period);
            },
            iter: TestSize.Cases);

    [Fact]
    public void The_next_window_begins_where_this_one_ends() =>
        s_moments.Sample(
            m =>
            {
                var calendar = new BudgetCalendar(m.Zone, m.WeekStart, m.FiscalYearStart);
                var (start, end) = calendar.WindowOf(m.Period, m.At);
                return calendar.WindowOf(m.Period, end).StartsAt == end && calendar.WindowOf(m.Period, end.AddTicks(-1)).StartsAt == start;
            },
            iter: TestSize.Cases);

    [Theory]
    [InlineData("2026-03-29T12:00:00Z", 23)]
    [InlineData("2026-10-25T12:00:00Z", 25)]
    [InlineData("2026-06-01T12:00:00Z", 24)]
    public void A_day_in_Berlin_has_as_many_hours_as_its_clocks_say(string at, int hours)
    {
        var (start, end) = new BudgetCalendar(TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin"), DayOfWeek.Monday)
            .WindowOf(BudgetPeriod.Day, DateTimeOffset.Parse(at, System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(hours, (end - start).TotalHours);
    }

    [Fact]
    public void A_midnight_that_does_not_exist_begins_the_day_when_the_gap_ends()
    {
        // Clocks in Santiago went from 24:00 to 01:00 on 6 September 2026.
        var zone = TimeZoneInfo.FindSystemTimeZoneById("America/Santiago");
        var start = new BudgetCalendar(zone, DayOfWeek.Monday).StartOf(new DateOnly(2026, 9, 6));
        Assert.Equal(new DateTimeOffset(2026, 9, 6, 4, 0, 0, TimeSpan.Zero), start);
    }

    [Fact]
    public void A_zone_that_changes_its_standard_offset_with_daylight_saving_loses_no_instant()
    {
        var calendar = new BudgetCalendar(TimeZoneInfo.FindSystemTimeZoneById("America/Scoresbysund"), DayOfWeek.Sunday);
        var (_, end) = calendar.WindowOf(BudgetPeriod.Week, new DateTimeOffset(2024, 3, 24, 14, 43, 14, TimeSpan.Zero));
        Assert.Equal(end, calendar.WindowOf(BudgetPeriod.Week, end).StartsAt);
    }

    [Theory]
    [InlineData(BudgetPeriod.Quarter, 1, "2026-08-22", "2026-07-01", "2026-10-01")]
    [InlineData(BudgetPeriod.Quarter, 2, "2026-01-31", "2025-11-01", "2026-02-01")]
    [InlineData(BudgetPeriod.Quarter, 4, "2026-03-31", "2026-01-01", "2026-04-01")]
    [InlineData(BudgetPeriod.Quarter, 12, "2026-12-01", "2026-12-01", "2027-03-01")]
    [InlineData(BudgetPeriod.Year, 1, "2028-02-29", "2028-01-01", "2029-01-01")]
    [InlineData(BudgetPeriod.Year, 4, "2026-03-31", "2025-04-01", "2026-04-01")]
    [InlineData(BudgetPeriod.Year, 10, "2026-10-01", "2026-10-01", "2027-10-01")]
    public void Quarters_and_years_begin_with_the_fiscal_year_at_midnight_of_the_zone(BudgetPeriod period, int month, string day, string first, string next)
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById("America/New_York");
        var calendar = new BudgetCalendar(zone, DayOfWeek.Monday, month);

        var (start, end) = calendar.WindowOf(period, calendar.StartOf(DateOnly.Parse(day, System.Globalization.CultureInfo.InvariantCulture)));

        Assert.Equal((first, next), (Local(start), Local(end)));
        string Local(DateTimeOffset at) => TimeZoneInfo.ConvertTime(at, zone).ToString("yyyy-MM-dd'T'HH:mm", System.Globalization.CultureInfo.InvariantCulture).Replace("T00:00", "", StringComparison.Ordinal);
    }

    [Fact]
    public void All_time_has_no_end()
    {
        var (start, end) = new BudgetCalendar(TimeZoneInfo.Utc, DayOfWeek.Monday).WindowOf(BudgetPeriod.Total, DateTimeOffset.UnixEpoch);
        Assert.Equal((DateTimeOffset.MinValue, DateTimeOffset.MaxValue), (start, end));
    }
}
