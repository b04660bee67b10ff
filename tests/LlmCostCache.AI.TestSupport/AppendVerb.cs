using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI;

/// <summary>Writes rows until it is killed and prints the id of each one that was acknowledged.</summary>
internal static class AppendVerb
{
    public static async Task<int> RunAsync(string home)
    {
        var options = new LlmCostsOptions();
        await using var store = SqliteLedgerStore.Open(home, options, NullLogger.Instance);
        var budget = Budget.Total(1_000_000m);
        var window = new BudgetWindow(budget, "", DateTimeOffset.MinValue, DateTimeOffset.MaxValue);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            for (var i = 0; ; i++)
            {
                var record = new UsageRecord
                {
                    Id = $"{Environment.ProcessId}-{worker}-{i}-{Guid.NewGuid():N}",
                    At = options.TimeProvider.GetUtcNow(),
                    Cost = CallCost.Known(Money.FromNanos(1)),
                };
                if (i % 2 == 0)
                {
                    await store.ReserveAsync(new ReservationRequest { Record = record, Holds = [new Hold(window, Money.FromNanos(5), true)], Timeout = TimeSpan.FromDays(1) });
                }

                await store.AppendAsync(record);
                Console.Out.WriteLine(record.Id);
            }
        })));
        return 0;
    }
}
