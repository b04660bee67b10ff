namespace LlmCostCache.AI;

/// <summary>The windows of budgets as functions of an instant and a zone: nothing is ever reset, the next window is another row.</summary>
internal sealed class BudgetCalendar(TimeZoneInfo zone, DayOfWeek weekStart, int fiscalYearStart = 1)
{
    /// <summary>The window of a budget that contains an instant; for a rolling one, the slice that the instant is counted in.</summary>
    public (DateTimeOffset StartsAt, DateTimeOffset EndsAt) WindowOf(Budget budget, DateTimeOffset at) =>
        budget.Span is { } span ? RollingSlices.Of(span).SliceOf(at) : WindowOf(budget.Period, at);

    /// <summary>The window of a period that contains an instant: start inclusive, end exclusive, both UTC. Windows of one period never overlap and leave no gap.</summary>
    public (DateTimeOffset StartsAt, DateTimeOffset EndsAt) WindowOf(BudgetPeriod period, DateTimeOffset at)
    {
        switch (period)
        {
            case BudgetPeriod.Minute:
                // Offsets are whole minutes, so minutes are the same in every zone.
                var minute = at.UtcTicks / TimeSpan.TicksPerMinute * TimeSpan.TicksPerMinute;
                return (new DateTimeOffset(minute, TimeSpan.Zero), new DateTimeOffset(minute + TimeSpan.TicksPerMinute, TimeSpan.Zero));

            case BudgetPeriod.Hour:
                // Whole hours of standard time: daylight saving moves clocks by an hour, so these are hours of the clock all year round.
                var shift = zone.BaseUtcOffset.Ticks;
                var hour = (at.UtcTicks + shift) / TimeSpan.TicksPerHour * TimeSpan.TicksPerHour - shift;
                return (new DateTimeOffset(hour, TimeSpan.Zero), new DateTimeOffset(hour + TimeSpan.TicksPerHour, TimeSpan.Zero));

            case BudgetPeriod.Day:
                var day = LocalDate(at);
                return (StartOf(day), StartOf(day.AddDays(1)));

            case BudgetPeriod.Week:
                var today = LocalDate(at);
                var first = today.AddDays(-(((int)today.DayOfWeek - (int)weekStart + 7) % 7));
                return (StartOf(first), StartOf(first.AddDays(7)));

            case BudgetPeriod.Month:
                return Months(at, 1);

            case BudgetPeriod.Quarter:
                return Months(at, 3);

            case BudgetPeriod.Year:
                return Months(at, 12);

            case BudgetPeriod.Total:
                return (DateTimeOffset.MinValue, DateTimeOffset.MaxValue);

            default:
                throw new ArgumentOutOfRangeException(nameof(period), period, "This period has no window.");
        }
    }

    private (DateTimeOffset StartsAt, DateTimeOffset EndsAt) Months(DateTimeOffset at, int length)
    {
        var date = LocalDate(at);
        var month = new DateOnly(date.Year, date.Month, 1);
        var first = month.AddMonths(-((date.Month - fiscalYearStart + 12) % 12 % length));
        return (StartOf(first), StartOf(first.AddMonths(length)));
    }

    /// <summary>A length that no window of a period exceeds, in any zone; null for all time. Days of zones that move their clocks are longer than 24 hours.</summary>
    public static TimeSpan? NoLongerThan(BudgetPeriod period) => period switch
    {
        BudgetPeriod.Minute => TimeSpan.FromMinutes(1),
        BudgetPeriod.Hour => TimeSpan.FromHours(1),
        BudgetPeriod.Day => TimeSpan.FromDays(2),
        BudgetPeriod.Week => TimeSpan.FromDays(8),
        BudgetPeriod.Month => TimeSpan.FromDays(32),
        BudgetPeriod.Quarter => TimeSpan.FromDays(93),
        BudgetPeriod.Year => TimeSpan.FromDays(367),
        _ => null,
    };

    /// <summary>The calendar day of an instant in the zone.</summary>
    public DateOnly LocalDate(DateTimeOffset at) => DateOnly.FromDateTime(TimeZoneInfo.ConvertTime(at, zone).DateTime);

    /// <summary>The first instant of a calendar day: the earlier midnight when there are two, the end of the gap when there is none.</summary>
    public DateTimeOffset StartOf(DateOnly day)
    {
        var midnight = day.ToDateTime(TimeOnly.MinValue);
        while (zone.IsInvalidTime(midnight))
        {
            midnight = midnight.AddMinutes(1);
        }

        var offset = zone.IsAmbiguousTime(midnight) ? zone.GetAmbiguousTimeOffsets(midnight).Max() : zone.GetUtcOffset(midnight);
        var start = new DateTimeOffset(midnight, offset).ToUniversalTime();
        return LocalDate(start) == day && LocalDate(start.AddTicks(-1)) < day ? start : SearchStartOf(day, start);
    }

    // The way from local time to an instant is not always the inverse of the way back: where a zone changes its standard offset together with daylight saving
    // (Scoresbysund, 31 March 2024), .NET answers with the offset of the wrong side. The way back decides, because it files calls under days.
    private DateTimeOffset SearchStartOf(DateOnly day, DateTimeOffset near)
    {
        var (before, after) = (near.AddHours(-26).Ticks, near.AddHours(26).Ticks);
        while (after - before > 1)
        {
            var middle = before + (after - before) / 2;
            (before, after) = LocalDate(new DateTimeOffset(middle, TimeSpan.Zero)) < day ? (middle, after) : (before, middle);
        }

        return new DateTimeOffset(after, TimeSpan.Zero);
    }
}
