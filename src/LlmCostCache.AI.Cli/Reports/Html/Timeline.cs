using System.Globalization;

namespace LlmCostCache.AI.Cli.Reports.Html;

/// <summary>The totals of a report over time and by model, in steps that fit a chart: days up to two months, weeks up to fourteen, months beyond.</summary>
internal sealed class Timeline
{
    private const int MostDays = 62;
    private const int MostWeeks = 60;
    private const int Coloured = 7;

    private Timeline(LedgerDimension step, IReadOnlyList<string> names, IReadOnlyList<LedgerTotal> totals)
    {
        (Step, Names) = (step, names);
        var byName = totals.ToLookup(total => total.Key);
        Totals = [.. names.Select(name => TotalSum.Of(byName[name], name))];
        Models = [.. totals.GroupBy(total => total.ThenKey).Select(model => TotalSum.Of(model, model.Key)).OrderByDescending(model => model.Spent).ThenBy(model => model.Key, StringComparer.Ordinal)];
        var cells = totals.ToDictionary(total => (total.Key, total.ThenKey), total => total.Spent);
        var shown = Models.Where(model => model.Spent > Money.Zero).ToList();
        var single = shown.Count <= Coloured + 1 ? shown : shown[..Coloured];
        var rest = shown[single.Count..].Select(model => model.Key).ToList();
        Legend = [.. single.Select((model, i) => (model.Key ?? "(none)", $"c{i}", model))];
        Series = [.. single.Select((model, i) => (model.Key ?? "(none)", $"c{i}", (IReadOnlyList<Money>)[.. names.Select(name => cells.GetValueOrDefault((name, model.Key)))]))];
        if (rest.Count > 0)
        {
            Legend = [.. Legend, ($"{Amounts.Count(rest.Count, "other model")}", $"c{Coloured}", TotalSum.Of(shown[single.Count..]))];
            Series = [.. Series, ($"{Amounts.Count(rest.Count, "other model")}", $"c{Coloured}", [.. names.Select(name => Money.FromNanos(rest.Sum(model => cells.GetValueOrDefault((name, model)).Nanos)))])];
        }
    }

    public LedgerDimension Step { get; }

    public IReadOnlyList<string> Names { get; }

    /// <summary>One for each name, of nothing where nothing was called.</summary>
    public IReadOnlyList<LedgerTotal> Totals { get; }

    /// <summary>By model, the dearest first.</summary>
    public IReadOnlyList<LedgerTotal> Models { get; }

    /// <summary>What the models cost over time, those that do not get a colour of their own together.</summary>
    public IReadOnlyList<(string Name, string Colour, IReadOnlyList<Money> Amounts)> Series { get; }

    /// <summary>The same, added up.</summary>
    public IReadOnlyList<(string Name, string Colour, LedgerTotal Total)> Legend { get; }

    /// <summary>The names as they fit below a bar.</summary>
    public IReadOnlyList<string> Labels
    {
        get
        {
            var format = Names.Count > 0 && Names[0][..4] == Names[^1][..4] ? "d MMM" : "d MMM yy";
            return [.. Names.Select(name => Step == LedgerDimension.Month ? name : DateOnly.ParseExact(name, "yyyy-MM-dd", CultureInfo.InvariantCulture).ToString(format, CultureInfo.InvariantCulture))];
        }
    }

    public static Timeline Nothing { get; } = new(LedgerDimension.Day, [], []);

    /// <param name="hours">Totals by hour and model.</param>
    /// <param name="filter">The span that was asked for.</param>
    /// <param name="calendar">The calendar of the hours.</param>
    /// <param name="now">Now.</param>
    /// <exception cref="UsageException">The span is longer than anything that can be drawn.</exception>
    public static Timeline Of(IReadOnlyList<LedgerTotal> hours, LedgerFilter filter, LedgerCalendar calendar, DateTimeOffset now)
    {
        if (hours.Count == 0)
        {
            return Nothing;
        }

        // The name of an hour begins with its day.
        var days = Joined(hours, hour => hour[..10]);
        // A range that was asked for shows its quiet ends too, unless it is longer than any chart.
        var (first, last) = (days[0].Key!, days[^1].Key!);
        var single = new Periods(LedgerDimension.Day, calendar);
        if (filter.Since is { } since && filter.Until is { } until)
        {
            var end = single.NameAt((until < now ? until : now).AddTicks(-1));
            return Of(days, single.NameAt(since), string.CompareOrdinal(end, last) > 0 ? end : last, calendar) ?? Own();
        }

        return Own();

        Timeline Own() => Of(days, first, last, calendar) ?? throw new UsageException("A page over more than a thousand months cannot be drawn; choose a shorter span with --since and --until.");
    }

    private static Timeline? Of(List<LedgerTotal> days, string first, string last, LedgerCalendar calendar)
    {
        var single = new Periods(LedgerDimension.Day, calendar);
        foreach (var (step, most) in ((LedgerDimension, int)[])[(LedgerDimension.Day, MostDays), (LedgerDimension.Week, MostWeeks), (LedgerDimension.Month, Periods.Most)])
        {
            // Weeks and months are whole days.
            var periods = new Periods(step, calendar);
            if (periods.Between(periods.NameAt(single.StartOf(first)), periods.NameAt(single.StartOf(last))) is { } names && names.Count <= most)
            {
                return new Timeline(step, names, step == LedgerDimension.Day ? days : Joined(days, day => periods.NameAt(single.StartOf(day))));
            }
        }

        return null;
    }

    private static List<LedgerTotal> Joined(IReadOnlyList<LedgerTotal> totals, Func<string, string> nameOf)
    {
        // Many hours have one day: each name is worked out once.
        var names = totals.Select(total => total.Key!).Distinct().ToDictionary(name => name, nameOf);
        return [.. from total in totals
                   group total by (Name: names[total.Key!], total.ThenKey) into cell
                   orderby cell.Key.Name
                   select TotalSum.Of(cell, cell.Key.Name) with { ThenKey = cell.Key.ThenKey }];
    }
}
