using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>Hours, days, weeks and months of a zone, as functions of an instant.</summary>
internal sealed class LedgerCalendar(TimeZoneInfo zone, DayOfWeek weekStart, int fiscalYearStart = 1)
{
    private readonly BudgetCalendar _windows = new(zone, weekStart, fiscalYearStart);

    public static LedgerCalendar Utc { get; } = new(TimeZoneInfo.Utc, DayOfWeek.Monday);

    public TimeZoneInfo Zone => zone;

    /// <summary>The same weeks in another zone.</summary>
    public LedgerCalendar In(TimeZoneInfo other) => new(other, weekStart, fiscalYearStart);

    /// <summary>The first instant of a calendar day.</summary>
    public DateTimeOffset StartOf(DateOnly day) => _windows.StartOf(day);

    /// <summary>The name of the hour, day, week or month that the instant lies in: <c>2026-03-29T02+02:00</c>, <c>2026-03-29</c>, <c>2026-03-23</c>, <c>2026-03</c>.</summary>
    /// <remarks>An hour carries its offset, because the clock shows one hour twice when it is set back.</remarks>
    public string NameOf(LedgerDimension period, long micros)
    {
        var local = TimeZoneInfo.ConvertTime(LedgerTime.Instant(micros), zone);
        return period switch
        {
            LedgerDimension.Hour => local.ToString("yyyy-MM-dd'T'HHzzz", CultureInfo.InvariantCulture),
            LedgerDimension.Day => local.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            LedgerDimension.Week => WeekOf(local.Date).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            LedgerDimension.Month => local.ToString("yyyy-MM", CultureInfo.InvariantCulture),
            _ => throw new ArgumentOutOfRangeException(nameof(period), period, "Only hours, days, weeks and months are periods."),
        };
    }

    /// <summary>The window of a budget that the instant lies in; for a rolling one, its slice.</summary>
    public (DateTimeOffset StartsAt, DateTimeOffset EndsAt) WindowOf(Budget budget, DateTimeOffset instant) => _windows.WindowOf(budget, instant);

    /// <summary>The window of a budget's period that the instant lies in.</summary>
    public (DateTimeOffset StartsAt, DateTimeOffset EndsAt) WindowOf(BudgetPeriod period, DateTimeOffset instant) => _windows.WindowOf(period, instant);

    private DateTime WeekOf(DateTime day) => day.AddDays(-((7 + (int)day.DayOfWeek - (int)weekStart) % 7));
}
