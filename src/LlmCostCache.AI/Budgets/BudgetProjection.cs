namespace LlmCostCache.AI;

/// <summary>What will be spent at the end of a period, and what that goes by. Pure arithmetic over what was spent.</summary>
/// <remarks>
/// Less than an hour of calls says nothing. Up to a day, the last 3,600 seconds go on. Up to two weeks, the last 24 hours go on, so that nights weigh what they weigh. From two weeks on, each hour
/// of the week goes on as it went in the last two to four whole weeks, at the level of the last seven days: the shape needs several weeks, the level follows growth.
/// </remarks>
internal static class BudgetProjection
{
    private const int HoursOfWeek = 7 * 24;
    private const int QuartersOfDay = 96;
    private const int QuartersOfWeek = 7 * QuartersOfDay;
    private const int MostWeeks = 4;

    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);

    /// <param name="spent">What is spent in the period already.</param>
    /// <param name="history">What was spent before now, in this period and before it.</param>
    /// <param name="endsAt">When the period ends.</param>
    /// <param name="now">Now.</param>
    /// <param name="zone">Whose hours of the week.</param>
    public static (long? Count, ProjectionBasis Basis) Of(long spent, SpendHistory history, DateTimeOffset endsAt, DateTimeOffset now, TimeZoneInfo zone)
    {
        if (endsAt == DateTimeOffset.MaxValue || endsAt <= now || history.Quarters.Count == 0)
        {
            return (null, ProjectionBasis.None);
        }

        var current = SpendHistory.QuarterOf(now);
        var first = history.Quarters[0].StartsAt;
        var weeks = Math.Min(MostWeeks, (int)((current - first).Ticks / TimeSpan.FromDays(7).Ticks));
        if (weeks >= 2)
        {
            return (Sum(spent, ByHourOfWeek(history, current, endsAt, now, zone, weeks)), ProjectionBasis.HourOfWeek);
        }

        if (current - first >= TimeSpan.FromDays(1))
        {
            var day = history.Since(current - TimeSpan.FromDays(1), current);
            return (Sum(spent, (decimal)day / TimeSpan.TicksPerDay * (endsAt - now).Ticks), ProjectionBasis.LastDay);
        }

        return now - first >= s_hour ? (Sum(spent, (decimal)history.LastHour / s_hour.Ticks * (endsAt - now).Ticks), ProjectionBasis.LastHour) : (null, ProjectionBasis.None);
    }

    private static decimal ByHourOfWeek(SpendHistory history, DateTimeOffset current, DateTimeOffset endsAt, DateTimeOffset now, TimeZoneInfo zone, int weeks)
    {
        var from = current - weeks * TimeSpan.FromDays(7);
        var total = history.Since(from, current);
        if (total <= 0)
        {
            return 0;
        }

        var (taken, quarters) = (new long[HoursOfWeek], new int[HoursOfWeek]);
        for (var i = 0; i < weeks * QuartersOfWeek; i++)
        {
            quarters[HourOf(from + i * SpendHistory.Quarter, zone)]++;
        }

        foreach (var (startsAt, count) in history.Quarters)
        {
            if (startsAt >= from && startsAt < current)
            {
                taken[HourOf(startsAt, zone)] += count;
            }
        }

        // An hour that the clock skipped in each of these weeks has no quarters; it takes nothing.
        var level = (decimal)history.Since(current - TimeSpan.FromDays(7), current) * weeks / total;
        var usual = taken.Zip(quarters, (count, of) => of == 0 ? 0m : (decimal)count / of).ToArray();
        var expected = 0m;
        for (var quarter = current; quarter < endsAt; quarter += SpendHistory.Quarter)
        {
            var begins = quarter > now ? quarter : now;
            var ends = quarter + SpendHistory.Quarter < endsAt ? quarter + SpendHistory.Quarter : endsAt;
            expected += usual[HourOf(quarter, zone)] * (ends - begins).Ticks / SpendHistory.Quarter.Ticks;
        }

        return expected * level;
    }

    private static int HourOf(DateTimeOffset at, TimeZoneInfo zone)
    {
        var local = TimeZoneInfo.ConvertTime(at, zone);
        return (int)local.DayOfWeek * 24 + local.Hour;
    }

    // Adjustments can make the past cheaper; what is spent cannot be unspent by waiting.
    private static long Sum(long spent, decimal expected) => (long)Math.Min(long.MaxValue, spent + decimal.Round(Math.Max(0, expected)));
}
