namespace LlmCostCache.AI.Cli.Reports;

/// <summary>A line of a report.</summary>
/// <param name="Total">Its names and sums.</param>
internal sealed record ReportRow(LedgerTotal Total)
{
    /// <summary>The same of the period before; null when nothing is compared, or nothing was there.</summary>
    public LedgerTotal? Before { get; init; }

    /// <summary>How long providers took on average; null when it was not asked for, or no call says.</summary>
    public TimeSpan? Latency { get; init; }

    /// <summary>A period between others in which nothing was called, though nobody asked for it by name.</summary>
    public bool IsGap { get; init; }

    public string? Key => Total.Key;

    public string? ThenKey => Total.ThenKey;

    public Money Change => Total.Spent - (Before?.Spent ?? Money.Zero);

    /// <summary>By which share the amount changed, 0.25 for a quarter more; null where nothing was spent before.</summary>
    public decimal? ChangeShare => Before is { Spent: var spent } && spent > Money.Zero ? decimal.Round((decimal)Change.Nanos / spent.Nanos, 4) : null;

    /// <summary>Something is where nothing was. Where calls had no price, nobody knows.</summary>
    public bool IsNew => Total.Calls > 0 && (Before is null or { Calls: 0 } || (Total.Spent > Money.Zero && Before is { Unpriced: 0 } before && before.Spent == Money.Zero));

    /// <summary>On average over all calls, answers from caches and refusals too; null without calls.</summary>
    public Money? PerCall => Total.Calls == 0 ? null : Money.FromNanos((long)decimal.Round((decimal)Total.Spent.Nanos / Total.Calls));
}
