using System.Diagnostics.CodeAnalysis;

namespace LlmCostCache.AI.Cli.Reports;

/// <summary>The ledger of a home directory, opened for reading beside whoever writes it.</summary>
internal sealed class LedgerView : IAsyncDisposable
{
    private readonly SqliteLedgerStore _store;

    private LedgerView(SqliteLedgerStore store, TimeProvider time)
    {
        _store = store;
        Limits = new BudgetLimits(store, time);
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

    /// <summary>The currency that the application wants reports to show beside US dollars.</summary>
    public string ReportCurrency => _store.ReportCurrency;

    public static bool TryOpen(string home, TimeProvider time, [NotNullWhen(true)] out LedgerView? view)
    {
        view = SqliteLedgerStore.Exists(home) ? Open(home, time) : null;
        return view is not null;
    }

    /// <exception cref="StoreUnavailableException">There is no ledger, or it cannot be read.</exception>
    public static LedgerView Open(string home, TimeProvider time) => new(SqliteLedgerStore.OpenReader(home, time), time);

    public ValueTask<IReadOnlyList<WindowBalance>> ReadBalancesAsync(CancellationToken cancellationToken) => _store.ReadBalancesAsync(cancellationToken);

    public ValueTask DisposeAsync() => _store.DisposeAsync();
}
