namespace LlmCostCache.AI.Cli.Reports;

/// <summary>Totals by one or two dimensions.</summary>
internal sealed record Report
{
    public required ReportChoice Choice { get; init; }

    public required LedgerCalendar Calendar { get; init; }

    public required LedgerFilter Filter { get; init; }

    public required IReadOnlyList<ReportGroup> Groups { get; init; }

    /// <summary>What <see cref="ReportChoice.Top"/> left out, as one row; null for nothing.</summary>
    public ReportRow? Others { get; init; }

    /// <summary>How many groups those are.</summary>
    public int OtherGroups { get; init; }

    /// <summary>Everything once: by tag, the groups add up to more.</summary>
    public required ReportRow Total { get; init; }

    /// <summary>What the changes are measured against; null when nothing is compared.</summary>
    public (DateTimeOffset Since, DateTimeOffset Until)? ComparedWith { get; init; }

    /// <summary>At which rates amounts of other currencies became dollars.</summary>
    public IReadOnlyList<LedgerConversion> Converted { get; init; } = [];

    /// <summary>The currency to show beside dollars; null for none.</summary>
    public DisplayCurrency? Display { get; init; }

    /// <param name="choice">What was asked of a ledger that does not exist yet.</param>
    /// <param name="now">Now.</param>
    public static Report Nothing(ReportChoice choice, DateTimeOffset now)
    {
        var calendar = LedgerCalendar.Utc.In(choice.Filter.Zone ?? TimeZoneInfo.Utc);
        var filter = choice.Filter.In(calendar);
        return new()
        {
            Choice = choice,
            Calendar = calendar,
            Filter = filter,
            Groups = [],
            Total = new(new LedgerTotal()),
            ComparedWith = choice.Compare ? Periods.SpanBefore(filter, calendar, now) : null,
        };
    }

    /// <summary>The sentences below the rows: what is unknown, converted or counted twice.</summary>
    public IEnumerable<string> Notes()
    {
        var total = Total.Total;
        if (total.Unpriced > 0)
        {
            yield return $"Spent {Amounts.Spent(total)}, {Amounts.Unpriced(total.Unpriced)}.";
        }

        if (total.Low != total.High)
        {
            yield return $"Some costs are estimates: between {Amounts.Text(total.Low)} and {Amounts.Text(total.High)}.";
        }

        foreach (var sentence in Conversions.Sentences(Converted))
        {
            yield return sentence;
        }

        if (Display is not null)
        {
            yield return Display.Sentence(total);
        }

        if (total.Saved < Money.Zero)
        {
            yield return "The cache spent more than it saved.";
        }

        if (Choice.CountsTwice)
        {
            yield return "A call with several tags counts under each, so the groups may add up to more than the total.";
        }

        if (ComparedWith is { } before)
        {
            var period = Periods.Are(Choice.By) ? Choice.By : Periods.Are(Choice.ThenBy) ? Choice.ThenBy : null;
            var words = period is { } over ? $"Each row is compared with the whole {Dimensions.WordOf(over)} before it, the total" : "Compared";
            yield return $"{words} with {Time(before.Since)} until {Time(before.Until)}"
                + $"{(total.Unpriced > 0 || Total.Before?.Unpriced > 0 ? ", as far as calls have prices" : "")}.";
        }
    }

    public string Time(DateTimeOffset at) => Budgets.BudgetFields.Time(at, Calendar.Zone);
}
