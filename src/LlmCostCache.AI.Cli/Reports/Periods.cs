using System.Globalization;

namespace LlmCostCache.AI.Cli.Reports;

/// <summary>The hours, days, weeks and months that rows of a report are named after: which comes before and after another.</summary>
internal sealed class Periods(LedgerDimension dimension, LedgerCalendar calendar)
{
    /// <summary>More than a screen can show, and a bound for a range that was mistyped.</summary>
    public const int Most = 1_000;

    public static bool Are(LedgerDimension? dimension) => dimension is LedgerDimension.Hour or LedgerDimension.Day or LedgerDimension.Week or LedgerDimension.Month;

    public string NameAt(DateTimeOffset instant) => calendar.NameOf(dimension, LedgerTime.Micros(instant));

    /// <summary>The first instant of the period with this name.</summary>
    public DateTimeOffset StartOf(string name) => dimension switch
    {
        LedgerDimension.Hour => StartOfHour(name),
        LedgerDimension.Month => calendar.StartOf(DateOnly.ParseExact($"{name}-01", "yyyy-MM-dd", CultureInfo.InvariantCulture)),
        _ => calendar.StartOf(DateOnly.ParseExact(name, "yyyy-MM-dd", CultureInfo.InvariantCulture)),
    };

    public string Before(string name) => NameAt(StartOf(name).AddTicks(-1));

    public string After(string name)
    {
        if (dimension != LedgerDimension.Hour)
        {
            var day = DateOnly.ParseExact(dimension == LedgerDimension.Month ? $"{name}-01" : name, "yyyy-MM-dd", CultureInfo.InvariantCulture);
            return NameAt(calendar.StartOf(dimension switch { LedgerDimension.Month => day.AddMonths(1), LedgerDimension.Week => day.AddDays(7), _ => day.AddDays(1) }));
        }

        // Where clocks move by half an hour, an hour of the clock has thirty minutes or ninety.
        var instant = StartOf(name);
        do
        {
            instant = instant.AddMinutes(15);
        }
        while (NameAt(instant) == name);
        return NameAt(instant);
    }

    /// <summary>Every name from one to another, both included; null when they are too many.</summary>
    public IReadOnlyList<string>? Between(string first, string last)
    {
        var (names, end) = (new List<string> { first }, StartOf(last));
        while (StartOf(names[^1]) < end)
        {
            if (names.Count == Most)
            {
                return null;
            }

            names.Add(After(names[^1]));
        }

        return names;
    }

    /// <summary>The span that a comparison is made with.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public static (DateTimeOffset Since, DateTimeOffset Until) SpanBefore(LedgerFilter filter, LedgerCalendar calendar, DateTimeOffset now)
    {
        var (since, until) = (filter.Since!.Value, filter.Until ?? now);
        if (since >= until)
        {
            throw new UsageException("--compare needs a beginning that is before now.");
        }

        try
        {
            return (StartBefore(since, until, calendar), since);
        }
        catch (ArgumentOutOfRangeException)
        {
            throw new UsageException("--compare has nothing to compare with: the span before would begin before the year 1.");
        }
    }

    /// <summary>
    /// The span before another that is as long as it: as many calendar months when both ends are first days of months, as many days when both are midnights, else as much time.
    /// </summary>
    private static DateTimeOffset StartBefore(DateTimeOffset since, DateTimeOffset until, LedgerCalendar calendar)
    {
        var (first, end) = (DayOf(since, calendar), DayOf(until, calendar));
        if (calendar.StartOf(first) != since || calendar.StartOf(end) != until)
        {
            return since - (until - since);
        }

        return calendar.StartOf(first.Day == 1 && end.Day == 1
            ? first.AddMonths((first.Year - end.Year) * 12 + first.Month - end.Month)
            : first.AddDays(first.DayNumber - end.DayNumber));
    }

    private DateTimeOffset StartOfHour(string name)
    {
        // Where clocks go back by half an hour, an hour of the new offset begins at half past.
        var instant = DateTimeOffset.ParseExact(name, "yyyy-MM-dd'T'HHzzz", CultureInfo.InvariantCulture).ToUniversalTime();
        return NameAt(instant) == name ? instant : instant.AddMinutes(30);
    }

    private static DateOnly DayOf(DateTimeOffset instant, LedgerCalendar calendar) =>
        DateOnly.ParseExact(calendar.NameOf(LedgerDimension.Day, LedgerTime.Micros(instant)), "yyyy-MM-dd", CultureInfo.InvariantCulture);
}
