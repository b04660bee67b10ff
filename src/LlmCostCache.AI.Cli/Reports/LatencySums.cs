using System.Runtime.InteropServices;

namespace LlmCostCache.AI.Cli.Reports;

/// <summary>How long providers took, by the groups of a report. The sums by quarter-hour do not keep it, so this reads rows.</summary>
internal sealed class LatencySums(LedgerDimension by, LedgerDimension? thenBy)
{
    private readonly Dictionary<(string? Key, string? ThenKey), (TimeSpan Sum, long Calls)> _groups = [];
    private readonly Dictionary<string, (TimeSpan Sum, long Calls)> _firsts = [];
    private (TimeSpan Sum, long Calls) _none, _all;

    public TimeSpan? All => Average(_all);

    public async Task ReadAsync(LedgerView view, LedgerFilter filter, CancellationToken cancellationToken)
    {
        await foreach (var record in view.Ledger.ReadAsync(filter, cancellationToken).ConfigureAwait(false))
        {
            // Answers from a cache and refusals took no provider's time; a call that was written down by hand says nothing of it.
            if (record.Status is not (CallStatus.Cached or CallStatus.Coalesced or CallStatus.Blocked) && record.Latency > TimeSpan.Zero)
            {
                Add(LedgerEntry.Of(record), record.Latency, view.Calendar);
            }
        }
    }

    public TimeSpan? Of(string? key, string? thenKey) => Average(_groups.GetValueOrDefault((key, thenKey)));

    /// <summary>Of everything with this value of the first dimension.</summary>
    public TimeSpan? Of(string? key) => OfAny([key]);

    /// <summary>Of everything with one of these values of the first dimension.</summary>
    public TimeSpan? OfAny(IEnumerable<string?> keys) =>
        Average(keys.Select(key => key is null ? _none : _firsts.GetValueOrDefault(key)).Aggregate(static (sum, part) => (sum.Sum + part.Sum, sum.Calls + part.Calls)));

    private void Add(LedgerEntry entry, TimeSpan latency, LedgerCalendar calendar)
    {
        Add(ref _all, latency);
        foreach (var key in LedgerTotals.Keys(by, entry, calendar))
        {
            Add(ref key is null ? ref _none : ref CollectionsMarshal.GetValueRefOrAddDefault(_firsts, key, out _), latency);
            foreach (var thenKey in LedgerTotals.Keys(thenBy, entry, calendar))
            {
                Add(ref CollectionsMarshal.GetValueRefOrAddDefault(_groups, (key, thenKey), out _), latency);
            }
        }
    }

    private static void Add(ref (TimeSpan Sum, long Calls) sum, TimeSpan latency) => sum = (sum.Sum + latency, sum.Calls + 1);

    private static TimeSpan? Average((TimeSpan Sum, long Calls) sum) => sum.Calls == 0 ? null : sum.Sum / sum.Calls;
}
