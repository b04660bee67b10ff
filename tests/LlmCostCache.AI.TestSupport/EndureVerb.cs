using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI;

/// <summary>
/// Writes rows one after the other to a disk that fails. Prints <c>kept ID</c> for each that was acknowledged and <c>refused</c> with the message for each that was not,
/// then waits for a line before it tries the same row again; an empty line lets it give up that row.
/// </summary>
internal static class EndureVerb
{
    public static async Task<int> RunAsync(string home, string rows)
    {
        var options = new LlmCostsOptions();
        SqliteLedgerStore store;
        try
        {
            store = SqliteLedgerStore.Open(home, options, NullLogger.Instance);
            await store.ConfigureAsync(TimeZoneInfo.Utc, DayOfWeek.Monday, []);
        }
        catch (StoreUnavailableException refused)
        {
            Console.Out.WriteLine($"closed {refused.Message}");
            return 3;
        }

        for (var i = 0; i < int.Parse(rows, CultureInfo.InvariantCulture); i++)
        {
            var record = new UsageRecord { Id = $"row {i}", At = options.TimeProvider.GetUtcNow(), Cost = CallCost.Known(Money.FromNanos(1)), Error = new string('x', 500) };
            while (true)
            {
                try
                {
                    await store.AppendAsync(record);
                    Console.Out.WriteLine($"kept {record.Id}");
                    break;
                }
                catch (StoreUnavailableException refused)
                {
                    Console.Out.WriteLine($"refused {refused.Message}");
                    if (Console.In.ReadLine() is null or "")
                    {
                        break;
                    }
                }
            }
        }

        await store.DisposeAsync();
        return 0;
    }
}
