namespace LlmCostCache.AI;

/// <summary>The book of everything that was called: what it cost, for whom, and proof that nobody changed it.</summary>
public sealed class Ledger
{
    private readonly ILedgerStore _store;

    internal Ledger(ILedgerStore store) => _store = store;

    /// <summary>Adds up calls by up to two dimensions.</summary>
    /// <param name="by">What to group by; null adds everything up to one total.</param>
    /// <param name="thenBy">What to group each group by.</param>
    /// <param name="filter">Which calls; null means all.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>The totals in the order of their keys, calls without a value last. A cost that is unknown is in no sum; <see cref="LedgerTotal.Unpriced"/> counts it.</returns>
    /// <exception cref="StoreUnavailableException">The ledger cannot be read.</exception>
    /// <exception cref="OverflowException">A sum does not fit.</exception>
    public ValueTask<IReadOnlyList<LedgerTotal>> TotalsAsync(
        LedgerDimension? by = null, LedgerDimension? thenBy = null, LedgerFilter? filter = null, CancellationToken cancellationToken = default) =>
        _store.TotalsAsync(by, thenBy, filter ?? LedgerFilter.All, cancellationToken);

    /// <summary>Says at which exchange rates amounts of other currencies were converted to US dollars.</summary>
    /// <param name="filter">Which calls; null means all.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>The rates by currency and day; empty when every price was in US dollars.</returns>
    /// <exception cref="StoreUnavailableException">The ledger cannot be read.</exception>
    public ValueTask<IReadOnlyList<LedgerConversion>> ConversionsAsync(LedgerFilter? filter = null, CancellationToken cancellationToken = default) =>
        _store.ConversionsAsync(filter ?? LedgerFilter.All, cancellationToken);

    /// <summary>Reads attempts in the order they were written, each with what became known about it later.</summary>
    /// <param name="filter">Which attempts; null means all.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="StoreUnavailableException">The ledger cannot be read.</exception>
    public IAsyncEnumerable<UsageRecord> ReadAsync(LedgerFilter? filter = null, CancellationToken cancellationToken = default) =>
        _store.ReadAsync(filter ?? LedgerFilter.All, cancellationToken);

    /// <summary>Writes one attempt a line, in constant memory however long the ledger is.</summary>
    /// <param name="destination">Where to; left open.</param>
    /// <param name="format">As what.</param>
    /// <param name="filter">Which attempts; null means all.</param>
    /// <param name="cancellationToken">Ends the writing.</param>
    /// <returns>How many attempts were written.</returns>
    /// <exception cref="StoreUnavailableException">The ledger cannot be read.</exception>
    public ValueTask<long> ExportAsync(Stream destination, LedgerExportFormat format, LedgerFilter? filter = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        return LedgerExport.WriteAsync(ReadAsync(filter, cancellationToken), format, destination.WriteAsync, cancellationToken);
    }

    /// <inheritdoc cref="ExportAsync(Stream, LedgerExportFormat, LedgerFilter?, CancellationToken)"/>
    public ValueTask<long> ExportAsync(TextWriter destination, LedgerExportFormat format, LedgerFilter? filter = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        return LedgerExport.WriteAsync(
            ReadAsync(filter, cancellationToken),
            format,
            async (lines, cancel) => await destination.WriteAsync(System.Text.Encoding.UTF8.GetString(lines.Span).AsMemory(), cancel).ConfigureAwait(false),
            cancellationToken);
    }

    /// <summary>Checks sequence, hash chain, budget counters and sums, and names the first row that was changed, lost or moved.</summary>
    /// <exception cref="StoreUnavailableException">The ledger cannot be read.</exception>
    public ValueTask<LedgerVerification> VerifyAsync(CancellationToken cancellationToken = default) => _store.VerifyAsync(cancellationToken);
}
