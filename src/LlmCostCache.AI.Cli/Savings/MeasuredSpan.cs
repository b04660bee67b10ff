using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Savings;

/// <summary>How long the time is that some calls are the calls of: what "so many a year" is divided by.</summary>
internal static class MeasuredSpan
{
    /// <param name="view">The ledger.</param>
    /// <param name="filter">Which calls.</param>
    /// <param name="firstCall">The first of them; null when there are none.</param>
    /// <param name="now">Now.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task<(DateTimeOffset Since, DateTimeOffset Until)> OfAsync(
        LedgerView view, LedgerFilter filter, DateTimeOffset? firstCall, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var until = filter.Until is { } end && end < now ? end : now;
        if (firstCall is not { } since)
        {
            return (until, until);
        }

        if (filter.Since is { } from && from < since)
        {
            // A quiet beginning counts when the ledger was kept then, and does not when it had not begun.
            var earlier = await view.Ledger.TotalsAsync(null, null, new() { Until = from }, cancellationToken).ConfigureAwait(false);
            since = earlier[0].Calls > 0 ? from : since;
        }

        return (since, until);
    }

    public static decimal Days(DateTimeOffset since, DateTimeOffset until) => Math.Max(0, (decimal)(until - since).Ticks / TimeSpan.TicksPerDay);
}
