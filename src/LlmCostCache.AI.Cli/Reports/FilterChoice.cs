namespace LlmCostCache.AI.Cli.Reports;

/// <summary>Which rows were asked for, before the ledger's zone is known.</summary>
internal sealed record FilterChoice
{
    public TimeBound? Since { get; init; }

    public TimeBound? Until { get; init; }

    public TimeZoneInfo? Zone { get; init; }

    public required LedgerFilter Rows { get; init; }

    /// <summary>The filter in the zone of the report, which becomes the zone of the view.</summary>
    public LedgerFilter In(LedgerView view)
    {
        view.Calendar = Zone is null ? view.Calendar : view.Calendar.In(Zone);
        return In(view.Calendar);
    }

    public LedgerFilter In(LedgerCalendar calendar)
    {
        var filter = Rows with { Since = Since?.In(calendar), Until = Until?.In(calendar) };
        return filter.Since >= filter.Until ? throw new UsageException("--since is not before --until.") : filter;
    }
}
