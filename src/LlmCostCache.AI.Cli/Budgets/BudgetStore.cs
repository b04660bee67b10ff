using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI.Cli.Budgets;

/// <summary>The ledger of a home directory, opened to change limits in it; made when there is none, so that limits can be set before the application first runs.</summary>
internal sealed class BudgetStore : IAsyncDisposable
{
    private readonly SqliteLedgerStore _store;

    private BudgetStore(SqliteLedgerStore store, BudgetLimits limits) => (_store, Limits) = (store, limits);

    public BudgetLimits Limits { get; }

    /// <summary>The calendar that the application configured.</summary>
    public required LedgerCalendar Calendar { get; init; }

    /// <exception cref="StoreUnavailableException">The ledger cannot be used.</exception>
    public static BudgetStore Open(string home, CliHost host)
    {
        // Before it is read: this brings a ledger of an older version up to date.
        var time = host.Time;
        var store = SqliteLedgerStore.Open(home, new LlmCostsOptions { TimeProvider = time }, NullLogger.Instance, neverSync: false, host.SayProgress);
        using var configured = LedgerReader.Open(LedgerFile.PathIn(home), time);
        store.Calendar = configured.Calendar;
        return new(store, new BudgetLimits(store, time)) { Calendar = configured.Calendar };
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();
}
