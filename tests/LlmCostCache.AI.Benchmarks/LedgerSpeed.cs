using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>
/// How many calls a second the ledger takes, on a disk with synchronous=FULL, beside a plain INSERT a call and beside SQLite's own bulk speed. The cases take turns in one run,
/// a round each, so that a busy machine slows all of them; only their ratios mean something.
/// </summary>
internal sealed class LedgerSpeed(TimeSpan round, int rounds)
{
    private const int BulkRows = 20_000;
    private const int CallsPerSecond = 200;

    private static readonly int[] s_callers = [1, 8, 64];

    /// <summary>Runs and says what it saw, as a table.</summary>
    public string Run()
    {
        var plain = s_callers.ToDictionary(callers => callers, _ => new List<decimal>());
        var append = s_callers.ToDictionary(callers => callers, _ => new List<decimal>());
        var settle = s_callers.ToDictionary(callers => callers, _ => new List<decimal>());
        var bulk = new List<decimal>();
        for (var i = 0; i < rounds; i++)
        {
            foreach (var callers in s_callers)
            {
                plain[callers].Add(Plain(callers));
                append[callers].Add(Ours(callers, store => store.AppendAsync(Row.New(CallStatus.Ok)).AsTask()));
                settle[callers].Add(Ours(callers, LedgerCalls.ReserveAndSettleAsync));
            }

            bulk.Add(Bulk());
        }

        var (ours, plainly) = (OurLatency(), PlainLatency());
        var table = new StringBuilder("""
            | calls a second on the disk | 1 caller | 8 callers | 64 callers |
            |---|---:|---:|---:|

            """);
        table.Append(Line("one INSERT a call under a lock", plain, plain)).Append(Line("one row a call, group commit", append, plain)).Append(Line("reserve and settle, two daily budgets", settle, plain));
        var today = TimeProvider.System.GetUtcNow();
        table.Append(CultureInfo.InvariantCulture, $"""

            The same INSERT, {BulkRows:N0} in one transaction: {Median(bulk):N0} rows a second. At {CallsPerSecond} calls a second, reserve and settle add {ours.P50:0.00} ms (median) and {ours.P99:0.0} ms (99 of 100); the plain INSERT takes {plainly.P50:0.00} ms and {plainly.P99:0.0} ms.
            The ratios are medians over {rounds} rounds of {round.TotalSeconds:0.0#} s, each beside its own plain INSERT.

            {today:yyyy-MM-dd}, {Environment.ProcessorCount} cores, .NET {Environment.Version}, SQLite {SqliteFile.LoadedVersion()}, `dotnet run -c Release --project tests/LlmCostCache.AI.Benchmarks -- --ledger`

            """);
        return table.ToString();
    }

    private static string Line(string name, Dictionary<int, List<decimal>> rates, Dictionary<int, List<decimal>> plain) =>
        $"| {name} | {string.Join(" | ", s_callers.Select(callers => string.Create(CultureInfo.InvariantCulture,
            $"{Median(rates[callers]):N0}{(rates == plain ? "" : string.Create(CultureInfo.InvariantCulture, $" ({Median([.. rates[callers].Zip(plain[callers], (ours, theirs) => ours / theirs)]):0.0}x)"))}")))} |\n";

    private static decimal Median(List<decimal> values) => values.Order().ElementAt(values.Count / 2);

    private decimal Plain(int callers)
    {
        using var home = new BenchmarkHome();
        using var ledger = new AutocommitLedger(Path.Combine(home.Path, "ledger.db"));
        return Rate(callers, () =>
        {
            ledger.Append(Row.New(CallStatus.Ok));
            return Task.CompletedTask;
        });
    }

    private decimal Ours(int callers, Func<SqliteLedgerStore, Task> call)
    {
        using var home = new BenchmarkHome();
        var store = SqliteLedgerStore.Open(home.Path, new LlmCostsOptions(), NullLogger.Instance);
        try
        {
            return Rate(callers, () => call(store));
        }
        finally
        {
            store.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    /// <summary>One transaction for all: nobody can be told anything before its end.</summary>
    private static decimal Bulk()
    {
        using var home = new BenchmarkHome();
        var path = Path.Combine(home.Path, "ledger.db");
        using var ledger = new AutocommitLedger(path);
        var watch = Stopwatch.StartNew();
        ledger.InOneTransaction(() =>
        {
            for (var i = 0; i < BulkRows; i++)
            {
                ledger.Append(Row.New(CallStatus.Ok));
            }
        });
        return BulkRows / (decimal)watch.Elapsed.TotalSeconds;
    }

    private decimal Rate(int callers, Func<Task> call)
    {
        var (done, watch) = (0L, Stopwatch.StartNew());
        Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            var count = 0L;
            while (watch.Elapsed < round)
            {
                await call();
                count++;
            }

            Interlocked.Add(ref done, count);
        }))).GetAwaiter().GetResult();
        return done / (decimal)watch.Elapsed.TotalSeconds;
    }

    private (decimal P50, decimal P99) OurLatency()
    {
        using var home = new BenchmarkHome();
        var store = SqliteLedgerStore.Open(home.Path, new LlmCostsOptions(), NullLogger.Instance);
        try
        {
            return Latency(() => LedgerCalls.ReserveAndSettleAsync(store));
        }
        finally
        {
            store.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private (decimal P50, decimal P99) PlainLatency()
    {
        using var home = new BenchmarkHome();
        using var ledger = new AutocommitLedger(Path.Combine(home.Path, "ledger.db"));
        return Latency(() =>
        {
            ledger.Append(Row.New(CallStatus.Ok));
            return Task.CompletedTask;
        });
    }

    private (decimal P50, decimal P99) Latency(Func<Task> call)
    {
        var calls = Math.Max(100, (int)(round.TotalSeconds * rounds * CallsPerSecond));
        var took = new List<decimal>(calls);
        var gate = new Lock();
        RunAsync().GetAwaiter().GetResult();
        took.Sort();
        return (took[calls / 2], took[calls * 99 / 100]);

        async Task RunAsync()
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(1_000d / CallsPerSecond));
            var running = new List<Task>(calls);
            while (running.Count < calls && await timer.WaitForNextTickAsync())
            {
                running.Add(Task.Run(async () =>
                {
                    var watch = Stopwatch.StartNew();
                    await call();
                    lock (gate)
                    {
                        took.Add((decimal)watch.Elapsed.TotalMilliseconds);
                    }
                }));
            }

            await Task.WhenAll(running);
        }
    }
}
