using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>
/// Reserve and settle beside ten budgets and beside ten thousand, of which two count the call: matching, reservation, row and windows. The target is a ratio of at most 2, also at the 99th
/// percentile, which <c>--record</c> shows. The ledger is in memory where that is possible, so that what is measured is not the disk.
/// </summary>
[Config(typeof(WallTimeConfig))]
public class BudgetCountBenchmarks
{
    private BenchmarkHome _home = null!;
    private SqliteLedgerStore _store = null!;
    private BudgetMatcher _matcher = null!;
    private BudgetCalendar _calendar = null!;
    private int _next;

    [Params(10, 10_000)]
    public int Budgets { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _home = new BenchmarkHome(inMemory: true);
        var options = new LlmCostsOptions();
        Budget[] budgets = [Budget.Monthly(1_000_000m), .. Enumerable.Range(1, Budgets - 1).Select(i => Budget.Daily(1_000_000m).ForUser($"user-{i}"))];
        _store = SqliteLedgerStore.Open(_home.Path, options, NullLogger.Instance);
        _store.ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, budgets).AsTask().GetAwaiter().GetResult();
        _matcher = new BudgetMatcher(budgets);
        _calendar = new BudgetCalendar(TimeZoneInfo.Utc, DayOfWeek.Monday);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _store.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _home.Dispose();
    }

    [Benchmark(Description = "reserve and settle")]
    public async Task<bool> ReserveAndSettle()
    {
        var who = new Attribution { User = $"user-{1 + (_next++ % (Budgets - 1))}" };
        var record = Row.New(CallStatus.Ok) with { Attribution = who };
        var holds = _matcher.Match(who, record.RequestedModel, record.ModelKey).Select(match =>
        {
            var (startsAt, endsAt) = _calendar.WindowOf(match.Budget, record.At);
            return new Hold(new BudgetWindow(match.Budget, match.Key, startsAt, endsAt), Money.FromUsd(0.01m), Enforced: true);
        });
        var outcome = await _store.ReserveAsync(new ReservationRequest { Record = record, Holds = [.. holds], Timeout = TimeSpan.FromMinutes(10) }).ConfigureAwait(false);
        await _store.AppendAsync(record).ConfigureAwait(false);
        return outcome.Accepted;
    }
}
