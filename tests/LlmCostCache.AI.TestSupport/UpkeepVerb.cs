using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI;

/// <summary>Copies, compacts and empties the log of a ledger over and over until it is killed. Prints <c>copied FILE</c> for each copy that it was told is whole.</summary>
internal static class UpkeepVerb
{
    public static async Task<int> RunAsync(string home)
    {
        var path = LedgerFile.PathIn(home);
        for (var i = 0; ; i++)
        {
            var copy = Path.Combine(home, $"copy-{Environment.ProcessId}-{i}.db");
            LedgerBackup.Take(path, copy, CancellationToken.None);
            Console.Out.WriteLine($"copied {copy}");
            LedgerCompaction.Run(path, TimeProvider.System);

            // Closing the last connection empties the log into the file.
            await SqliteLedgerStore.Open(home, new LlmCostsOptions(), NullLogger.Instance).DisposeAsync();
        }
    }
}
