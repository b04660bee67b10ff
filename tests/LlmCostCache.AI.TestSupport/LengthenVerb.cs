using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI;

/// <summary>Writes rows until a file named <c>failed</c> says that the log could not be brought to the disk, then one more, and prints how long the log is and how many rows were acknowledged.</summary>
internal static class LengthenVerb
{
    public static async Task<int> RunAsync(string home)
    {
        var options = new LlmCostsOptions();
        await using var store = SqliteLedgerStore.Open(home, options, NullLogger.Instance);
        var rows = 0;
        for (var isLast = false; !isLast && rows < 5_000; rows++)
        {
            isLast = File.Exists(Path.Combine(home, "failed"));
            await store.AppendAsync(new UsageRecord
            {
                Id = string.Create(CultureInfo.InvariantCulture, $"row {rows}"),
                At = options.TimeProvider.GetUtcNow(),
                Cost = CallCost.Known(Money.FromNanos(1)),
                Error = new string('x', 3_000),
            });
        }

        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{new FileInfo(LedgerFile.PathIn(home) + "-wal").Length} {rows}"));
        return 0;
    }
}
