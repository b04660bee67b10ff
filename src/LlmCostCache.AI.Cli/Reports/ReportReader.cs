namespace LlmCostCache.AI.Cli.Reports;

/// <summary>Reads the totals of a report, puts them in order and compares them.</summary>
internal sealed class ReportReader(LedgerView view, ReportChoice choice, DateTimeOffset now)
{
    public async Task<Report> ReadAsync(CancellationToken cancellationToken)
    {
        var filter = choice.Filter.In(view);
        var totals = await view.Ledger.TotalsAsync(choice.By, choice.ThenBy, filter, cancellationToken).ConfigureAwait(false);
        var total = choice.CountsTwice ? await TotalAsync(filter, cancellationToken).ConfigureAwait(false) : TotalSum.Of(totals);
        var latencies = choice.Latency ? new LatencySums(choice.By, choice.ThenBy) : null;
        if (latencies is not null)
        {
            await latencies.ReadAsync(view, filter, cancellationToken).ConfigureAwait(false);
        }

        var span = choice.Compare ? Periods.SpanBefore(filter, view.Calendar, now) : ((DateTimeOffset Since, DateTimeOffset Until)?)null;
        var before = span is { } compared ? await BeforeAsync(filter, compared, cancellationToken).ConfigureAwait(false) : null;
        var gone = before is null || IsOverTime ? [] : before.GoneFrom(totals);
        var rows = totals.Concat(gone).Select(row => new ReportRow(row)
        {
            Before = IsOverTime ? BeforeInTime(row, before) : before?.Of(row.Key, row.ThenKey),
            Latency = latencies?.Of(row.Key, row.ThenKey),
        });
        var groups = InOrder(rows.GroupBy(row => row.Key).Select(group => Group(group.Key, [.. group], before, latencies)));
        var alone = choice.Top is { } top && top < groups.Count ? groups[..top] : groups;
        var others = groups[alone.Count..];
        return new Report
        {
            Choice = choice,
            Calendar = view.Calendar,
            Filter = filter,
            Groups = choice.Top is null ? WithQuietPeriods(alone, filter, before) : alone,
            Others = others.Count == 0 ? null : new ReportRow(TotalSum.Of(others.Select(group => group.Sum.Total)))
            {
                Before = before is null ? null : TotalSum.Of(others.Select(group => group.Sum.Before).OfType<LedgerTotal>()),
                Latency = latencies?.OfAny(others.Select(group => group.Sum.Key)),
            },
            OtherGroups = others.Count,
            Total = new ReportRow(total)
            {
                Before = span is { } whole ? await TotalAsync(filter with { Since = whole.Since, Until = whole.Until }, cancellationToken).ConfigureAwait(false) : null,
                Latency = latencies?.All,
            },
            ComparedWith = span,
            Converted = await view.Ledger.ConversionsAsync(filter, cancellationToken).ConfigureAwait(false),
        };
    }

    private bool IsOverTime => Periods.Are(choice.By) || Periods.Are(choice.ThenBy);

    private async Task<LedgerTotal> TotalAsync(LedgerFilter filter, CancellationToken cancellationToken) =>
        (await view.Ledger.TotalsAsync(null, null, filter, cancellationToken).ConfigureAwait(false))[0];

    /// <summary>What stood where: of names in the span before, of periods in whole ones from the one before the first on.</summary>
    private async Task<EarlierTotals> BeforeAsync(LedgerFilter filter, (DateTimeOffset Since, DateTimeOffset Until) span, CancellationToken cancellationToken)
    {
        var earlier = filter with { Since = span.Since, Until = span.Until };
        if (IsOverTime)
        {
            var periods = new Periods(Periods.Are(choice.By) ? choice.By : choice.ThenBy!.Value, view.Calendar);
            earlier = filter with { Since = periods.StartOf(periods.Before(periods.NameAt(span.Until))) };
        }

        return new(await view.Ledger.TotalsAsync(choice.By, choice.ThenBy, earlier, cancellationToken).ConfigureAwait(false));
    }

    private LedgerTotal? BeforeInTime(LedgerTotal row, EarlierTotals? before) => Periods.Are(choice.By)
        ? before?.Of(new Periods(choice.By, view.Calendar).Before(row.Key!), row.ThenKey)
        : before?.Of(row.Key, new Periods(choice.ThenBy!.Value, view.Calendar).Before(row.ThenKey!));

    private ReportGroup Group(string? key, ReportRow[] rows, EarlierTotals? before, LatencySums? latencies)
    {
        if (choice.ThenBy is null)
        {
            return new ReportGroup(rows[0], rows);
        }

        var name = Periods.Are(choice.By) ? new Periods(choice.By, view.Calendar).Before(key!) : key;
        var sum = new ReportRow(TotalSum.Of(rows.Select(row => row.Total), key))
        {
            Before = Periods.Are(choice.ThenBy) && before is not null ? TotalSum.Of(rows.Select(row => row.Before).OfType<LedgerTotal>()) : before?.SumOf(name),
            Latency = latencies?.Of(key),
        };
        return new ReportGroup(sum, Ordered(rows, choice.ThenBy.Value, row => row, row => row.ThenKey));
    }

    private List<ReportGroup> InOrder(IEnumerable<ReportGroup> groups) => Ordered(groups, choice.By, group => group.Sum, group => group.Sum.Key);

    /// <summary>By the chosen number, the largest first; names break ties, and what has none comes last of its equals.</summary>
    private List<T> Ordered<T>(IEnumerable<T> rows, LedgerDimension dimension, Func<T, ReportRow> row, Func<T, string?> name)
    {
        var sort = choice.Sort != ReportSort.Natural ? choice.Sort : Periods.Are(dimension) ? ReportSort.Name : ReportSort.Spent;

        // An hour that the clock shows twice has two names, and where zones are ahead of UTC the later one comes first in the alphabet.
        var byName = dimension == LedgerDimension.Hour
            ? rows.OrderBy(item => new Periods(dimension, view.Calendar).StartOf(name(item)!))
            : rows.OrderBy(item => name(item) is null).ThenBy(name, StringComparer.Ordinal);
        return [.. sort == ReportSort.Name ? byName : byName.OrderByDescending(item => Number(row(item).Total, sort))];
    }

    private static long Number(LedgerTotal total, ReportSort sort) => sort switch
    {
        ReportSort.Saved => total.Saved.Nanos,
        ReportSort.Calls => total.Calls,
        ReportSort.Tokens => total.Usage.TotalTokens,
        _ => total.Spent.Nanos,
    };

    /// <summary>Periods without calls: those of a range that was asked for as zeros, those between others as gaps.</summary>
    private IReadOnlyList<ReportGroup> WithQuietPeriods(List<ReportGroup> groups, LedgerFilter filter, EarlierTotals? before)
    {
        if (!Periods.Are(choice.By) || (choice.ThenBy is not null && !choice.Breakdown) || choice.Sort is not (ReportSort.Natural or ReportSort.Name))
        {
            return groups;
        }

        var periods = new Periods(choice.By, view.Calendar);
        var until = filter.Until is { } end && end < now ? end : now;
        var isAsked = filter.Since < until && filter.Until is not null;
        if (!isAsked && groups.Count == 0)
        {
            return groups;
        }

        var (first, last) = isAsked ? (periods.NameAt(filter.Since!.Value), periods.NameAt(until.AddTicks(-1))) : (groups[0].Sum.Key!, groups[^1].Sum.Key!);

        // Clocks of other machines run ahead: what is written down after now belongs to the range too.
        last = groups.Count > 0 && periods.StartOf(groups[^1].Sum.Key!) > periods.StartOf(last) ? groups[^1].Sum.Key! : last;
        var named = groups.ToDictionary(group => group.Sum.Key!);
        return periods.Between(first, last)?.Select(name => named.GetValueOrDefault(name) ?? Quiet(name)).ToList() ?? (IReadOnlyList<ReportGroup>)groups;

        ReportGroup Quiet(string name)
        {
            var row = new ReportRow(new LedgerTotal { Key = name }) { IsGap = !isAsked, Before = before?.SumOf(periods.Before(name)) };
            return new ReportGroup(row, choice.ThenBy is null ? [row] : []);
        }
    }
}
