using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>Owns price book, ledger, cache and budgets. Share one between clients; dispose it to write what is queued and close the files.</summary>
public sealed class LlmCosts : IAsyncDisposable, IDisposable
{
    private static readonly TimeSpan s_patienceAtExit = TimeSpan.FromSeconds(5);
    private static readonly Lock s_opening = new();
    private static LlmCosts? s_shared;

    private readonly ILedgerStore _store;
    private int _disposed;
    private int _announced;

    private LlmCosts(LlmCostsOptions options)
    {
        LlmCostsOptionsValidator.ThrowIfInvalid(options);
        Options = options;
        Logger = QuietLogger.Of(options.LoggerFactory);
        HomeDirectory = LlmCostsHome.Prepare(options.HomeDirectory);
        Prices = PriceBook.Load(options, HomeDirectory);
        foreach (var (source, model, slip) in PriceGuard.SlipsOf(Prices.Layers))
        {
            Logger.PriceLooksWrong(model, source, slip.What);
        }

        // What goes on in the background is not a part of the call during which this was opened: the models that an observer asks are not for that call's payer.
        using var flow = ExecutionContext.IsFlowSuppressed() ? (AsyncFlowControl?)null : ExecutionContext.SuppressFlow();
        var store = SqliteLedgerStore.Open(HomeDirectory, options, Logger);
        _store = store;
        try
        {
            Telemetry = new CostTelemetry(options, ReadBalances);
            store.WhenRowsAreDropped(Telemetry.LedgerDropped);
            Notifier = new BudgetNotifier(options.BudgetObservers, [.. options.BudgetWebhooks.Select(webhook => new WebhookSender(webhook, options.WebhookPace, Logger))], _store, Telemetry, Logger);
            _store.Crossed = Notifier.Crossed;
            Status = new BudgetStatusReader(_store, options.TimeProvider, options.TimeZone);
            Watch = new BudgetWatch(_store, Status, Notifier, options.TimeProvider, Logger);
            Budgets = new BudgetGuard(options, _store, Prices, Telemetry, Notifier, Watch, Logger);
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

    /// <summary>The one that clients share when they are given none and the service provider has none. Opened with the defaults on first use.</summary>
    /// <remarks>Nobody disposes it. What is queued when the process ends is written then, for at most five seconds; a process that is killed loses it, never what was paid for.</remarks>
    /// <exception cref="LlmCostException">The home directory, the ledger or a price file cannot be used. The next use tries again.</exception>
    public static LlmCosts Shared => Volatile.Read(ref s_shared) ?? OpenShared();

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

    internal BudgetNotifier Notifier { get; }

    internal BudgetStatusReader Status { get; }

    internal BudgetWatch Watch { get; }

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

    /// <summary>Where the budgets stand in their current periods: one entry for a plain budget, one for each user, session and so on that a template has seen.</summary>
    /// <param name="projections">
    /// Whether to say the hourly rate and what will be spent at the end of the period. Reads up to 28 days of quarter-hour sums for each entry (the rows, where a budget is for a model, a session or a tag).
    /// </param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="StoreUnavailableException">The ledger cannot be read.</exception>
    public ValueTask<IReadOnlyList<BudgetStatus>> GetBudgetStatusAsync(bool projections = true, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        return Status.ReadAsync(projections, cancellationToken);
    }

    /// <summary>
    /// Whether a call of this cost would fit the budgets now, without reserving anything: for deciding between models or warning a user beforehand. Who pays is <see cref="CostScope"/>'s business.
    /// The promise is made by <c>UseBudget</c> alone, because others may spend in between.
    /// </summary>
    /// <param name="estimate">What the call may cost.</param>
    /// <param name="model">The model, for budgets that are for one; null when it is not known yet.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="ArgumentOutOfRangeException">The estimate is negative.</exception>
    /// <exception cref="StoreUnavailableException">The ledger cannot be read.</exception>
    public async ValueTask<BudgetCheck> CheckBudgetsAsync(Money estimate, string? model = null, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        ArgumentOutOfRangeException.ThrowIfLessThan(estimate, Money.Zero);
        var key = model is null ? null : Prices.Find(null, model, Options.TimeProvider.GetUtcNow(), null)?.Model;
        var matching = Budgets.Matching(CostScope.Current, model, key);
        return BudgetCheck.Of(estimate, matching, await _store.ReadBalancesAsync(cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Waits until everything that was queued so far is on the disk, and notices about budgets are with their observers.</summary>
    /// <exception cref="StoreUnavailableException">The ledger cannot be written.</exception>
    public async ValueTask FlushAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        await Spool.ReplayAsync(cancellationToken).ConfigureAwait(false);
        await Refiner.FlushAsync(cancellationToken).ConfigureAwait(false);
        await _store.FlushAsync(cancellationToken).ConfigureAwait(false);
        await Notifier.FlushAsync(cancellationToken).ConfigureAwait(false);
        await Cache.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes what is queued and closes the files.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await Watch.DisposeAsync().ConfigureAwait(false);
        Rates.Dispose();
        await Refiner.DisposeAsync().ConfigureAwait(false);
        await Spool.DisposeAsync().ConfigureAwait(false);
        await Notifier.DrainAsync().ConfigureAwait(false);
        await _store.DisposeAsync().ConfigureAwait(false);
        await Cache.DisposeAsync().ConfigureAwait(false);
        await Notifier.DisposeAsync().ConfigureAwait(false);
        Telemetry.Dispose();
    }

    /// <inheritdoc cref="DisposeAsync"/>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    // Not a Lazy: that would keep the failure of a disk that was full for a moment for as long as the process lives.
    private static LlmCosts OpenShared()
    {
        lock (s_opening)
        {
            if (s_shared is null)
            {
                // Flushed and not closed: other threads may still be asking while the process ends.
                var costs = Open();
                AppDomain.CurrentDomain.ProcessExit += (_, _) => costs.FlushAtExit();
                Volatile.Write(ref s_shared, costs);
            }

            return s_shared;
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "The process ends; there is nobody left to tell.")]
    private void FlushAtExit()
    {
        try
        {
            Task.Run(() => FlushAsync().AsTask()).Wait(s_patienceAtExit);
        }
        catch (Exception)
        {
            // What could not be written is lost as in a process that is killed.
        }
    }

    internal static LlmCosts Open(LlmCostsOptions options)
    {
        var costs = new LlmCosts(options);
        try
        {
            costs._store.ConfigureAsync(options.TimeZone, options.WeekStart, [.. options.Budgets], options.Currency, fiscalYearStart: options.FiscalYearStart).AsTask().GetAwaiter().GetResult();
            costs.Spool.ReplayAsync(CancellationToken.None).AsTask().GetAwaiter().GetResult();
            costs.Logger.Opened(costs.HomeDirectory);
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
            Log.SharedHome(QuietLogger.Of(loggerFactory), HomeDirectory);
        }
    }
}
