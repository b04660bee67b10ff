using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI;

/// <summary>Spends from one hard limit, beside other processes that do the same, until not even the smallest call fits any more.</summary>
public static class CompeteVerb
{
    public const long Smallest = 10;

    public static async Task<int> RunAsync(string home, string limitNanos, string seed)
    {
        var options = new LlmCostsOptions();
        var limit = Money.FromNanos(long.Parse(limitNanos, CultureInfo.InvariantCulture));
        var window = new BudgetWindow(Budget.Total(limit.Usd), "", DateTimeOffset.MinValue, DateTimeOffset.MaxValue);
        await using var store = SqliteLedgerStore.Open(home, options, NullLogger.Instance);
        Console.Out.WriteLine("ready");
        Console.In.ReadLine();
        var wrong = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(async () =>
        {
            var random = new Random(int.Parse(seed, CultureInfo.InvariantCulture) + worker);
            var largest = 1_000L;
            for (var i = 0; ; i++)
            {
                var amount = Money.FromNanos(random.NextInt64(Smallest, largest + 1));
                var record = new UsageRecord { Id = $"{seed}-{worker}-{i}", At = options.TimeProvider.GetUtcNow() };
                var outcome = await store.ReserveAsync(new ReservationRequest { Record = record, Holds = [new Hold(window, amount, true)], Timeout = TimeSpan.FromDays(1) });
                var balance = outcome.Balances[0];
                if (outcome.Accepted != (balance.Spent + balance.Reserved + amount <= limit))
                {
                    Interlocked.Increment(ref wrong);
                }

                if (outcome.Accepted)
                {
                    if (random.Next(10) == 0)
                    {
                        await store.VoidAsync(record.Id);
                    }
                    else
                    {
                        await store.AppendAsync(record with { Cost = CallCost.Known(Money.FromNanos(random.NextInt64(amount.Nanos + 1))) });
                    }
                }
                else if (largest > Smallest)
                {
                    largest = Math.Max(Smallest, largest / 2);
                }
                else if (balance.Reserved == Money.Zero)
                {
                    return;
                }
            }
        })));
        return wrong == 0 ? 0 : 1;
    }
}
