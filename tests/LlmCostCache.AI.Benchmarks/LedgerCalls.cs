using System.Collections.Immutable;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>What a call with two daily budgets asks of the ledger: a reservation before it, its row after it.</summary>
internal static class LedgerCalls
{
    private static readonly Budget s_all = Budget.Daily(1_000_000m);
    private static readonly Budget s_project = Budget.Daily(1_000_000m).ForProject("shop");

    public static async Task ReserveAndSettleAsync(SqliteLedgerStore store)
    {
        var record = Row.New(CallStatus.Ok);
        await store.ReserveAsync(new ReservationRequest { Record = record, Holds = Holds(record.At), Timeout = TimeSpan.FromMinutes(10) });
        await store.AppendAsync(record);
    }

    private static ImmutableArray<Hold> Holds(DateTimeOffset at)
    {
        var day = new DateTimeOffset(at.UtcDateTime.Date, TimeSpan.Zero);
        return
        [
            new Hold(new BudgetWindow(s_all, "", day, day.AddDays(1)), Money.FromNanos(900_000), Enforced: true),
            new Hold(new BudgetWindow(s_project, "", day, day.AddDays(1)), Money.FromNanos(900_000), Enforced: true),
        ];
    }
}
