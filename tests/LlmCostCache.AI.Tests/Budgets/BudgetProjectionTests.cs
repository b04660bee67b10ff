namespace LlmCostCache.AI.Tests;

public class BudgetProjectionTests
{
    // A Monday, 12:00 UTC; the month has nine and a half days left.
    private static readonly DateTimeOffset s_now = new(2026, 6, 22, 12, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset s_monthEnd = new(2026, 7, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Without_calls_and_within_their_first_hour_nothing_is_projected()
    {
        Assert.Equal((null, ProjectionBasis.None), Of(0, new SpendHistory(0, [])));
        Assert.Equal((null, ProjectionBasis.None), Of(500, History(lastHour: 500, (s_now.AddMinutes(-45), 500))));
    }

    [Fact]
    public void A_budget_without_an_end_has_no_projection() =>
        Assert.Equal((null, ProjectionBasis.None), BudgetProjection.Of(500, Steady(TimeSpan.FromDays(20), 10), DateTimeOffset.MaxValue, s_now, TimeZoneInfo.Utc));

    [Fact]
    public void Up_to_a_day_the_last_hour_goes_on()
    {
        var (count, basis) = Of(300, History(lastHour: 100, (s_now.AddHours(-5), 200), (s_now.AddMinutes(-30), 100)));
        Assert.Equal((300 + 100 * (8 * 24 + 12), ProjectionBasis.LastHour), (count, basis));
    }

    [Fact]
    public void Calls_of_the_same_hour_of_yesterday_are_not_in_the_rate_of_the_last_hour()
    {
        // The hour of the clock is the same, the day is not: a rate from time-of-day alone would count it.
        var (count, basis) = Of(1_000, History(lastHour: 0, (s_now.AddHours(-23), 1_000)));
        Assert.Equal((1_000, ProjectionBasis.LastHour), (count, basis));
    }

    [Fact]
    public void Up_to_two_weeks_the_last_day_goes_on_with_its_nights()
    {
        var (count, basis) = Of(960, Steady(TimeSpan.FromDays(3), 10));
        Assert.Equal((960 + 960 * 17 / 2, ProjectionBasis.LastDay), (count, basis));
    }

    [Fact]
    public void From_two_weeks_on_each_hour_of_the_week_goes_on_as_it_went()
    {
        // 100 an hour from 9 to 17 on working days, nothing else: until the end of June, 5 hours of this Monday and 8 of each of six working days are left.
        var office = Quarters(s_now.AddDays(-21), s_now, at => at.DayOfWeek is not (DayOfWeek.Saturday or DayOfWeek.Sunday) && at.Hour is >= 9 and < 17 ? 25 : 0);
        var (count, basis) = Of(12_000, new SpendHistory(100, office));
        Assert.Equal((12_000 + 100 * (5 + 6 * 8), ProjectionBasis.HourOfWeek), (count, basis));
    }

    [Fact]
    public void The_level_is_that_of_the_last_seven_days()
    {
        // Twice as much in the last week as in the three before: the shape is flat, the level 20 a quarter-hour.
        var grown = Quarters(s_now.AddDays(-28), s_now, at => at >= s_now.AddDays(-7) ? 20 : 10);
        Assert.Equal((5_000 + 20 * 4 * (8 * 24 + 12), ProjectionBasis.HourOfWeek), Of(5_000, new SpendHistory(80, grown)));
    }

    [Fact]
    public void Hours_of_the_week_are_those_of_the_zone()
    {
        var zone = TimeZoneInfo.FindSystemTimeZoneById("Asia/Kolkata");
        var nine = Quarters(s_now.AddDays(-21), s_now, at => TimeZoneInfo.ConvertTime(at, zone).Hour == 9 ? 25 : 0);
        var end = s_now.AddDays(1);
        Assert.Equal((100, ProjectionBasis.HourOfWeek), BudgetProjection.Of(0, new SpendHistory(0, nine), end, s_now, zone));
    }

    [Fact]
    public void The_rest_of_the_current_quarter_hour_counts_for_what_is_left_of_it()
    {
        var now = s_now.AddMinutes(5);
        var flat = Quarters(s_now.AddDays(-28), s_now, _ => 15);
        Assert.Equal((10, ProjectionBasis.HourOfWeek), BudgetProjection.Of(0, new SpendHistory(60, flat), s_now.AddMinutes(15), now, TimeZoneInfo.Utc));
    }

    [Fact]
    public void A_past_that_became_cheaper_does_not_unspend_anything() =>
        Assert.Equal(500, Of(500, History(lastHour: -900, (s_now.AddHours(-5), 1_400), (s_now.AddMinutes(-30), -900))).Count);

    [Fact]
    public void A_projection_beyond_all_numbers_stops_at_the_largest() =>
        Assert.Equal(long.MaxValue, Of(long.MaxValue - 1, History(lastHour: long.MaxValue / 2, (s_now.AddHours(-5), long.MaxValue / 2))).Count);

    private static (long? Count, ProjectionBasis Basis) Of(long spent, SpendHistory history) => BudgetProjection.Of(spent, history, s_monthEnd, s_now, TimeZoneInfo.Utc);

    private static SpendHistory History(long lastHour, params (DateTimeOffset, long)[] quarters) => new(lastHour, quarters);

    private static SpendHistory Steady(TimeSpan length, long count) => new(4 * count, Quarters(s_now - length, s_now, _ => count));

    private static List<(DateTimeOffset, long)> Quarters(DateTimeOffset from, DateTimeOffset until, Func<DateTimeOffset, long> count) =>
        [.. Enumerable.Range(0, (int)((until - from) / SpendHistory.Quarter)).Select(i => from + i * SpendHistory.Quarter).Select(at => (at, count(at))).Where(quarter => quarter.Item2 > 0)];
}
