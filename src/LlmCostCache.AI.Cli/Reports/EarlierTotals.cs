namespace LlmCostCache.AI.Cli.Reports;

/// <summary>The totals that those of a report are compared with.</summary>
internal sealed class EarlierTotals(IReadOnlyList<LedgerTotal> totals)
{
    private readonly Dictionary<(string? Key, string? ThenKey), LedgerTotal> _byName = totals.ToDictionary(total => (total.Key, total.ThenKey));
    private readonly ILookup<string?, LedgerTotal> _byKey = totals.ToLookup(total => total.Key);

    public LedgerTotal? Of(string? key, string? thenKey) => _byName.GetValueOrDefault((key, thenKey));

    /// <summary>The sum of everything with this value of the first dimension; null when there is nothing.</summary>
    public LedgerTotal? SumOf(string? key) => _byKey.Contains(key) ? TotalSum.Of(_byKey[key], key) : null;

    /// <summary>The names that are not among these, as totals of nothing.</summary>
    public IEnumerable<LedgerTotal> GoneFrom(IReadOnlyList<LedgerTotal> now) =>
        _byName.Keys.Except(now.Select(total => (total.Key, total.ThenKey))).Select(name => new LedgerTotal { Key = name.Key, ThenKey = name.ThenKey });
}
