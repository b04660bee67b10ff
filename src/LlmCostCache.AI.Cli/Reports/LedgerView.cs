using System.Diagnostics.CodeAnalysis;

namespace LlmCostCache.AI.Cli.Reports;

/// <summary>The ledger of a home directory, opened for reading beside whoever writes it.</summary>
internal sealed class LedgerView : IAsyncDisposable
{
    private readonly SqliteLedgerStore _store;

    // Follows the configured zone, whatever zone a report chooses.
    private readonly BudgetStatusReader _statuses;

    private LedgerView(SqliteLedgerStore store, TimeProvider time)
    {
        _store = store;
        Limits = new BudgetLimits(store, time);
        _statuses = new BudgetStatusReader(store, time, store.Calendar.Zone);
        Ledger = new(store);
    }

    public Ledger Ledger { get; }

    public BudgetLimits Limits { get; }

    /// <summary>The zone that days, weeks and months follow: the one the application configured, unless a report chose another.</summary>
    public LedgerCalendar Calendar
    {
        get => _store.Calendar;
        set => _store.Calendar = value;
    }

    /// <summary>Hears how many rows were read, page by page, by whatever reads rows.</summary>
    public Action<int>? RowsRead
    {
        get => _store.RowsRead;
        set => _store.RowsRead = value;
    }

    /// <summary>The currency that the application wants reports to show beside US dollars.</summary>
    public string ReportCurrency => _store.ReportCurrency;

    public static bool TryOpen(string home, TimeProvider time, [NotNullWhen(true)] out LedgerView? view)
    {
        view = SqliteLedgerStore.Exists(home) ? Open(home, time) : null;
        return view is not null;
    }

    /// <exception cref="StoreUnavailableException">There is no ledger, or it cannot be read.</exception>
    public static LedgerView Open(string home, TimeProvider time) => new(SqliteLedgerStore.OpenReader(home, time), time);

    /// <summary>Where budgets stand and where they are heading.</summary>
    public ValueTask<IReadOnlyList<BudgetStatus>> ReadStatusAsync(CancellationToken cancellationToken) => _statuses.ReadAsync(projections: true, cancellationToken);

    public ValueTask<IReadOnlyList<WindowBalance>> ReadBalancesAsync(CancellationToken cancellationToken) => _store.ReadBalancesAsync(cancellationToken);

    /// <summary>Where a budget is heading.</summary>
    public BudgetStatus ProjectionOf(WindowBalance balance, CancellationToken cancellationToken) => _statuses.WithProjection(balance, cancellationToken);

    /// <summary>What calls of these names took lately; see <see cref="SpendHistory"/>.</summary>
    public SpendHistory ReadHistory(BudgetWindow window, DateTimeOffset now) => _store.ReadHistory(window, now);

    public ValueTask DisposeAsync() => _store.DisposeAsync();
}
