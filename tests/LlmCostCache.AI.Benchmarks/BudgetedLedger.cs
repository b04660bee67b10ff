using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>
/// A ledger with one budget for everybody and one for each of many users; every call is of another user, so two budgets count it. In memory where that is possible: what is measured is not the disk.
/// </summary>
internal sealed class BudgetedLedger : IDisposable
{
    private readonly BenchmarkHome _home = new(inMemory: true);
    private readonly SqliteLedgerStore _store;
    private readonly BudgetMatcher _matcher;
    private readonly BudgetCalendar _calendar = new(TimeZoneInfo.Utc, DayOfWeek.Monday);
    private readonly int _users;
    private UsageRecord _record = Row.New(CallStatus.Ok);
    private int _next;

    public BudgetedLedger(int budgets)
    {
        _users = budgets - 1;
        Budget[] all = [Budget.Monthly(1_000_000m), .. Enumerable.Range(0, _users).Select(i => Budget.Daily(1_000_000m).ForUser($"user-{i}"))];
        _store = SqliteLedgerStore.Open(_home.Path, new LlmCostsOptions(), NullLogger.Instance);
        _store.ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, all).AsTask().GetAwaiter().GetResult();
        _matcher = new BudgetMatcher(all);
    }

    /// <summary>Finds the budgets of the next call and holds an amount in each.</summary>
    public async Task ReserveAsync()
    {
        var who = new Attribution { User = $"user-{_next++ % _users}" };
        _record = Row.New(CallStatus.Ok) with { Attribution = who };
        var holds = _matcher.Match(who, _record.RequestedModel, _record.ModelKey).Select(match =>
        {
            var (startsAt, endsAt) = _calendar.WindowOf(match.Budget, _record.At);
            return new Hold(new BudgetWindow(match.Budget, match.Key, startsAt, endsAt), Money.FromUsd(0.01m), Enforced: true);
        });
        var outcome = await _store.ReserveAsync(new ReservationRequest { Record = _record, Holds = [.. holds], Timeout = TimeSpan.FromMinutes(10) });
        if (!outcome.Accepted || outcome.Balances.Length != 2)
        {
            throw new InvalidOperationException("The call was not held in its two budgets.");
        }
    }

    public async Task SettleAsync() => await _store.AppendAsync(_record);

    public void Dispose()
    {
        _store.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _home.Dispose();
    }
}
