using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>Archives what is older than a month of the test's ledger, a few rows at a time, and prints a line for each step, until it is killed or done.</summary>
internal static class ArchiveVerb
{
    public static int Run(string home, string rowsAtOnce)
    {
        var archiver = new LedgerArchiver(LedgerFile.PathIn(home), new FixedTime())
        {
            RowsAtOnce = int.Parse(rowsAtOnce, CultureInfo.InvariantCulture),
            Progress = (file, what, done, all) => Console.Out.WriteLine($"{file} {what} {done} of {all}"),
        };
        try
        {
            archiver.Run(new DateTimeOffset(2026, 8, 1, 0, 0, 0, TimeSpan.Zero), CancellationToken.None);
            return 0;
        }
        catch (StoreUnavailableException refused)
        {
            Console.Out.WriteLine($"refused {refused.Message}");
            return 3;
        }
    }

    private sealed class FixedTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 12, 1, 0, 0, 0, TimeSpan.Zero);
    }
}
