using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI;

/// <summary>Lets rows wait beside the ledger on a disk that does not take them. Says <c>waiting</c>, and after a line hands the rows to the ledger.</summary>
internal static class SpoolVerb
{
    private const int Rows = 3;

    public static async Task<int> RunAsync(string home)
    {
        var options = new LlmCostsOptions();
        await using var store = SqliteLedgerStore.Open(home, options, NullLogger.Instance);
        await using var spool = new Spool(home, store, NullLogger.Instance);
        for (var i = 0; i < Rows; i++)
        {
            spool.Add(new UsageRecord { Id = string.Create(CultureInfo.InvariantCulture, $"row {i}"), At = options.TimeProvider.GetUtcNow(), Cost = CallCost.Known(Money.FromNanos(1)) });
        }

        Console.Out.WriteLine("waiting");
        Console.In.ReadLine();
        await spool.ReplayAsync(CancellationToken.None);
        return 0;
    }
}
