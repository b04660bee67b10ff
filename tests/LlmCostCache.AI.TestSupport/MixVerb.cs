using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI;

/// <summary>Writes, reads or verifies a ledger for a while beside other processes. Prints what goes wrong; says at the end how much it did.</summary>
internal static class MixVerb
{
    public static async Task<int> RunAsync(string home, string what, string seconds)
    {
        var options = new LlmCostsOptions();
        await using var store = what == "write" ? SqliteLedgerStore.Open(home, options, NullLogger.Instance) : SqliteLedgerStore.OpenReader(home, options.TimeProvider);
        Console.Out.WriteLine("ready");
        Console.In.ReadLine();
        var until = options.TimeProvider.GetUtcNow().AddSeconds(int.Parse(seconds, CultureInfo.InvariantCulture));
        var done = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            for (var i = 0; options.TimeProvider.GetUtcNow() < until; i++)
            {
                try
                {
                    await (what switch
                    {
                        "write" => WriteAsync(store, options.TimeProvider, $"{Environment.ProcessId}-{worker}-{i}"),
                        "verify" => VerifyAsync(store),
                        _ => ReadAsync(store),
                    });
                    Interlocked.Increment(ref done);
                }
                catch (LlmCostException error)
                {
                    Console.Out.WriteLine($"wrong: {error.Message}");
                }
            }
        })));
        Console.Out.WriteLine($"done {done.ToString(CultureInfo.InvariantCulture)}");
        return 0;
    }

    private static async Task WriteAsync(SqliteLedgerStore store, TimeProvider time, string id)
    {
        var window = new BudgetWindow(Budget.Total(1_000_000m), "", DateTimeOffset.MinValue, DateTimeOffset.MaxValue);
        var record = new UsageRecord { Id = id, At = time.GetUtcNow(), Model = "gpt-4o-mini", Cost = CallCost.Known(Money.FromNanos(3)) };
        await store.ReserveAsync(new ReservationRequest { Record = record, Holds = [new Hold(window, Money.FromNanos(5), true)], Timeout = TimeSpan.FromDays(1) });
        await store.AppendAsync(record);
    }

    private static async Task ReadAsync(SqliteLedgerStore store)
    {
        await store.TotalsAsync(LedgerDimension.Model, LedgerDimension.Day, LedgerFilter.All);
        await store.ReadBalancesAsync();
    }

    private static async Task VerifyAsync(SqliteLedgerStore store)
    {
        var found = await store.VerifyAsync();
        if (!found.IsIntact)
        {
            Console.Out.WriteLine($"wrong: {found.Problems[0]}");
        }
    }
}
