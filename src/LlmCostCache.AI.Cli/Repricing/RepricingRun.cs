using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Repricing;

/// <summary>Goes through the ledger once, row by row; what it keeps is a total for each group.</summary>
internal sealed class RepricingRun(Repricer repricer, LedgerDimension? by)
{
    private readonly Dictionary<(string? Key, bool HasKey), RepricedTotal> _groups = [];
    private readonly RepricedTotal _total = new(null);

    public RepricedTotal Total => _total;

    /// <summary>The groups in the order of their keys, rows without a value last.</summary>
    public IReadOnlyList<RepricedTotal> Groups => [.. _groups.Values.OrderBy(group => group.Key is null).ThenBy(group => group.Key, StringComparer.Ordinal)];

    public async Task ReadAsync(LedgerView view, LedgerFilter filter, CancellationToken cancellationToken)
    {
        await foreach (var row in view.Ledger.ReadAsync(filter, cancellationToken).ConfigureAwait(false))
        {
            var repriced = repricer.Of(row);
            _total.Add(row.Cost, repriced);
            if (by is not null)
            {
                foreach (var key in LedgerTotals.Keys(by, LedgerEntry.Of(row), view.Calendar))
                {
                    Group(key).Add(row.Cost, repriced);
                }
            }
        }
    }

    private RepricedTotal Group(string? key)
    {
        if (!_groups.TryGetValue((key, key is not null), out var group))
        {
            group = new(key);
            _groups.Add((key, key is not null), group);
        }

        return group;
    }
}
