using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI;

/// <summary>Owns price book, ledger, cache and budgets. Share one between clients; dispose it to write what is queued and close the files.</summary>
public sealed class LlmCosts : IAsyncDisposable, IDisposable
{
    private static readonly Lazy<LlmCosts> s_shared = new(() => Open());

    private readonly ILedgerStore _store;
    private int _disposed;
    private int _announced;

    private LlmCosts(LlmCostsOptions options)
    {
        LlmCostsOptionsValidator.ThrowIfInvalid(options);
        Options = options;
        Logger = options.LoggerFactory is { } loggers ? new QuietLogger(loggers.CreateLogger("LlmCostCache.AI")) : NullLogger.Instance;
        HomeDirectory = LlmCostsHome.Prepare(options.HomeDirectory);
        Prices = PriceBook.Load(options, HomeDirectory);
        foreach (var (source, model, slip) in PriceGuard.SlipsOf(Prices.Layers))
        {
            Logger.PriceLooksWrong(model, source, slip.What);
        }

        _store = SqliteLedgerStore.Open(HomeDirectory, options, Logger);
        try
        {
            Telemetry = new CostTelemetry(options, ReadBalances);
            Budgets = new BudgetGuard(options, _store, Prices, Telemetry, Logger);
            Spool = new Spool(HomeDirectory, _store, Logger);
            Refiner = new TokenRefiner(Prices, _store, Logger);
            Meter = new UsageMeter(options, _store, Prices, Telemetry, Budgets, Spool, Refiner, Logger);
            Cache = new ResponseCache(options, HomeDirectory, Logger, Telemetry.LayerFailed);
            Ledger = new Ledger(_store);
            Limits = new BudgetLimits(_store, options.TimeProvider);
            Savings = new SavingsMeter(Prices);
            Rates = new RateGate(options.TimeProvider);
            Runs = new Runs(options.TimeProvider);
        }
        catch
        {
            Telemetry?.Dispose();
            _store.DisposeAsync().AsTask().GetAwaiter().GetResult();
            throw;
        }
    }

    /// <summary>The one that clients share when they are given none and the service provider has none. Opened with the defaults on first use, never disposed.</summary>
    /// <exception cref="LlmCostException">The home directory, the ledger or a price file cannot be used.</exception>
    public static LlmCosts Shared => s_shared.Value;

    /// <summary>Where <c>ledger.db</c> and <c>cache.db</c> live, as a full path.</summary>
    public string HomeDirectory { get; }

    /// <summary>The prices.</summary>
    public PriceBook Prices { get; }

    /// <summary>The answers that were given before; also usable without a chat client.</summary>
    public ResponseCache Cache { get; }

    /// <summary>What was spent, on what, by whom.</summary>
    public Ledger Ledger { get; }

    /// <summary>Where the budgets stand, and limits and grants that are set while applications run.</summary>
    public BudgetLimits Limits { get; }

    internal LlmCostsOptions Options { get; }

    internal ILogger Logger { get; }

    internal CostTelemetry Telemetry { get; }

    internal BudgetGuard Budgets { get; }

    internal UsageMeter Meter { get; }

    internal SavingsMeter Savings { get; }

    internal RateGate Rates { get; }

    internal Runs Runs { get; }

    internal ILedgerStore Store => _store;

    internal Spool Spool { get; }

    internal TokenRefiner Refiner { get; }

    /// <summary>Opens price book, ledger and cache.</summary>
    /// <param name="configure">Changes the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of its bounds.</exception>
    /// <exception cref="StoreUnavailableException">The home directory or the ledger cannot be used.</exception>
    /// <exception cref="LlmCostException">A source of prices cannot be read.</exception>
    public static LlmCosts Open(Action<LlmCostsOptions>? configure = null)
    {
        var options = new LlmCostsOptions();
        configure?.Invoke(options);
        return Open(options);
    }

    /// <summary>Prices and records a call that was made elsewhere. A record with a known id is not written again.</summary>
    /// <param name="record">The call. When its cost is unknown and its usage is given, it is priced here.</param>
    /// <param name="cancellationToken">Ends the wait, not the write.</param>
    /// <returns>The cost as recorded.</returns>
    /// <exception cref="ArgumentException">A count or an amount is negative, or a count is more than a call can have; only <see cref="CallCost.Saved"/> may be, on the row of what a cache spent.</exception>
    /// <exception cref="StoreUnavailableException">The ledger cannot be written.</exception>
    public ValueTask<CallCost> RecordAsync(UsageRecord record, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        ThrowIfDisposed();
        return Meter.RecordAsync(record, cancellationToken);
    }

    /// <summary>Waits until everything that was queued so far is on the disk.</summary>
    /// <exception cref="StoreUnavailableException">The ledger cannot be written.</exception>
    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        await Spool.ReplayAsync(cancellationToken).ConfigureAwait(false);
        await Refiner.FlushAsync(cancellationToken).ConfigureAwait(false);
        await _store.FlushAsync(cancellationToken).ConfigureAwait(false);
        await Cache.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes what is queued and closes the files.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        Rates.Dispose();
        await Refiner.DisposeAsync().ConfigureAwait(false);
        await Spool.DisposeAsync().ConfigureAwait(false);
        await _store.DisposeAsync().ConfigureAwait(false);
        await Cache.DisposeAsync().ConfigureAwait(false);
        Telemetry.Dispose();
    }

    /// <inheritdoc cref="DisposeAsync"/>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    internal static LlmCosts Open(LlmCostsOptions options)
    {
        var costs = new LlmCosts(options);
        try
        {
            costs._store.ConfigureAsync(options.TimeZone, options.WeekStart, [.. options.Budgets], options.Currency, fiscalYearStart: options.FiscalYearStart).AsTask().GetAwaiter().GetResult();
            costs.Spool.ReplayAsync(CancellationToken.None).AsTask().GetAwaiter().GetResult();
            return costs;
        }
        catch
        {
            costs.Dispose();
            throw;
        }
    }

    // For the utilization gauge: read on the collector's thread, once per collection.
    private IReadOnlyList<WindowBalance> ReadBalances() =>
        Volatile.Read(ref _disposed) != 0 ? [] : _store.ReadBalancesAsync().AsTask().GetAwaiter().GetResult();

    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);

    /// <summary>One call has one ledger: two in a pipeline would each hold a part of the truth.</summary>
    internal void ThrowIfOther(LlmCosts? inner)
    {
        if (inner is not null && !ReferenceEquals(inner, this))
        {
            throw new InvalidOperationException($"This pipeline already belongs to another {nameof(LlmCosts)} (home '{inner.HomeDirectory}', this one '{HomeDirectory}'). "
                + "Pass the same object to UseCostCache, UseBudget and UseUsageMetering.");
        }
    }

    internal void AnnounceOnce(ILoggerFactory? loggerFactory)
    {
        if (loggerFactory is not null && Interlocked.Exchange(ref _announced, 1) == 0)
        {
            Log.SharedHome(loggerFactory.CreateLogger("LlmCostCache.AI"), HomeDirectory);
        }
    }
}
