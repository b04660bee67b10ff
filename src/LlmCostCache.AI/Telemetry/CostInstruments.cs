using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;

namespace LlmCostCache.AI;

/// <summary>The instruments of one meter and the names that bound their tags.</summary>
/// <remarks>
/// One set per meter, however many <see cref="LlmCosts"/> share it: two gauges of one name would overwrite each other in the SDK, and
/// limits on distinct names hold per instrument, not per owner.
/// </remarks>
internal sealed class CostInstruments
{
    private const int MaxModels = 200;
    private const int MaxBudgets = 200;
    private const int MaxProviders = 50;
    private const int MaxOperations = 20;
    private const int MaxReasons = 50;

    private static readonly string s_version = typeof(CostInstruments).Assembly.GetName().Version?.ToString(3) ?? "";
    private static readonly ConditionalWeakTable<Meter, CostInstruments> s_byMeter = [];

    // From a millionth of a dollar (a classification by a small model) to 10 dollars (a full context of a dear one).
    private static readonly InstrumentAdvice<double> s_costBuckets = new()
    {
        HistogramBucketBoundaries =
            [0.000001, 0.00001, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };

    // From a wait that nobody feels to the longest that a limit of a minute makes.
    private static readonly InstrumentAdvice<double> s_waitBuckets = new()
    {
        HistogramBucketBoundaries = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120],
    };

    // Lives as long as the process: disposing it with one LlmCosts would end the series of all others.
    private static readonly Lazy<Meter> s_shared = new(() => new Meter(TelemetryNames.Source, s_version));

    private readonly Lock _lock = new();
    private Func<IReadOnlyList<WindowBalance>>[] _balances = [];
    private bool _hasGauge;
    private readonly Meter _meter;

    private CostInstruments(Meter meter)
    {
        _meter = meter;
        OperationCost = meter.CreateHistogram(
            TelemetryNames.OperationCost, "{cost}", "Cost of one model operation.", tags: null, s_costBuckets);
        CostTotal = meter.CreateCounter<double>(
            TelemetryNames.CostTotal, "{USD}", "Money spent on model calls, US dollars.");
        CostSaved = meter.CreateUpDownCounter<double>(
            TelemetryNames.CostSaved, "{USD}", "Money not spent because an answer was at hand, less what the cache spent, US dollars; it can fall.");
        Unpriced = meter.CreateCounter<long>(
            TelemetryNames.Unpriced, "{attempt}", "Attempts whose cost is unknown; they are in no sum.");
        Tokens = meter.CreateCounter<long>(
            TelemetryNames.Tokens, "{token}", "Tokens of the kinds that gen_ai.client.token.usage does not tell apart.");
        CacheRequests = meter.CreateCounter<long>(
            TelemetryNames.CacheRequests, "{request}", "Calls by what the response cache did about them.");
        CacheUnstored = meter.CreateCounter<long>(
            TelemetryNames.CacheUnstored, "{answer}", "Answers that were asked for in vain of the cache and not stored either, by reason.");
        CacheFailures = meter.CreateCounter<long>(
            TelemetryNames.CacheFailures, "{failure}", "Failures of a cache layer; each became a miss.");
        BudgetRejections = meter.CreateCounter<long>(
            TelemetryNames.BudgetRejections, "{call}", "Calls refused by a budget; nothing was sent.");
        LedgerDropped = meter.CreateCounter<long>(
            TelemetryNames.LedgerDropped, "{record}", "Rows of free calls given up because the ledger could not keep pace.");
        RateWait = meter.CreateHistogram(
            TelemetryNames.RateWait, "s", "How long requests waited for their turn at a rate limit; those that did not wait are not in it.", tags: null, s_waitBuckets);
        RateRejections = meter.CreateCounter<long>(
            TelemetryNames.RateRejections, "{call}", "Calls refused by a rate limit; nothing was sent.");
        Retries = meter.CreateCounter<long>(
            TelemetryNames.Retries, "{retry}", "Requests that were sent again, by what had failed.");
        RunawayStops = meter.CreateCounter<long>(
            TelemetryNames.RunawayStops, "{call}", "Calls refused by a runaway guard; nothing was sent.");
    }

    public Histogram<double> OperationCost { get; }

    public Counter<double> CostTotal { get; }

    public UpDownCounter<double> CostSaved { get; }

    public Counter<long> Unpriced { get; }

    public Counter<long> Tokens { get; }

    public Counter<long> CacheRequests { get; }

    public Counter<long> CacheUnstored { get; }

    public Counter<long> CacheFailures { get; }

    public Counter<long> BudgetRejections { get; }

    public Counter<long> LedgerDropped { get; }

    public Histogram<double> RateWait { get; }

    public Counter<long> RateRejections { get; }

    public Counter<long> Retries { get; }

    public Counter<long> RunawayStops { get; }

    public BoundedNames RequestModels { get; } = new(MaxModels);

    public BoundedNames ResponseModels { get; } = new(MaxModels);

    public BoundedNames Providers { get; } = new(MaxProviders);

    public BoundedNames Operations { get; } = new(MaxOperations);

    public BoundedNames Budgets { get; } = new(MaxBudgets);

    public BoundedNames RateLimits { get; } = new(MaxBudgets);

    public BoundedNames Reasons { get; } = new(MaxReasons);

    /// <summary>The instruments of the factory's meter, which the factory owns, or of the meter that listeners find by its name.</summary>
    public static CostInstruments Of(IMeterFactory? factory)
    {
        var meter = factory is null ? s_shared.Value : factory.Create(new MeterOptions(TelemetryNames.Source) { Version = s_version });
        return s_byMeter.GetValue(meter, static meter => new CostInstruments(meter));
    }

    /// <summary>Adds budgets to the utilization gauge until <see cref="Forget"/>.</summary>
    public void Observe(Func<IReadOnlyList<WindowBalance>> balances)
    {
        lock (_lock)
        {
            _balances = [.. _balances, balances];
            if (_hasGauge)
            {
                return;
            }

            _hasGauge = true;
        }

        // Outside the lock: a listener may read the gauge as soon as it is published.
        _meter.CreateObservableGauge(
            TelemetryNames.BudgetUtilization, Utilization, "1", "Share of a budget that is spent or reserved in its current period.");
    }

    public void Forget(Func<IReadOnlyList<WindowBalance>> balances)
    {
        lock (_lock)
        {
            _balances = [.. _balances.Where(other => other != balances)];
        }
    }

    private IEnumerable<Measurement<double>> Utilization()
    {
        // Budgets can share a name; the fullest speaks for it, because two values under the same tags would overwrite each other at random.
        var fullest = new Dictionary<(string Period, string Name), double>();
        foreach (var balances in Volatile.Read(ref _balances))
        {
            foreach (var balance in Read(balances).Where(IsPublic))
            {
                var budget = balance.Window.Budget;
                var series = (TelemetryNames.Of(budget.Period), Budgets.Of(TelemetryNames.Of(budget)));
                fullest[series] = Math.Max(fullest.GetValueOrDefault(series), Ratio(balance));
            }
        }

        return [.. fullest.Select(series => new Measurement<double>(series.Value,
            new(TelemetryNames.BudgetPeriod, series.Key.Period), new(TelemetryNames.BudgetName, series.Key.Name)))];
    }

    // A collection of metrics must not fail because the ledger is closed, busy or broken.
    private static IReadOnlyList<WindowBalance> Read(Func<IReadOnlyList<WindowBalance>> balances)
    {
        try
        {
            return balances();
        }
        catch (Exception)
        {
            return [];
        }
    }

    // Windows of a template are named after users, sessions and the like, without bound. So is a budget for one user, unless its author
    // gave it a name.
    private static bool IsPublic(WindowBalance balance) =>
        balance.Window is { Key.Length: 0, Budget: var budget }
        && (budget.GivenName is not null || budget.Scope is { User: null, Session: null });

    // Nothing is left of a limit of zero.
    private static double Ratio(WindowBalance balance) =>
        balance.Limit.Count <= 0 ? 1 : (double)(((decimal)balance.Spent.Count + balance.Reserved.Count) / balance.Limit.Count);
}
