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
                append[callers].Add(Ours(callers, (store, _) => store.AppendAsync(Row.New(CallStatus.Ok)).AsTask()));
                settle[callers].Add(Ours(callers, ReserveAndSettleAsync));
            }

            bulk.Add(Bulk());
        }

        var (p50, p99) = Latency();
        var table = new StringBuilder("""
            | calls a second on the disk | 1 caller | 8 callers | 64 callers |
            |---|---:|---:|---:|

            """);
        table.Append(Line("one INSERT a call under a lock", plain, plain)).Append(Line("one row a call, group commit", append, plain)).Append(Line("reserve and settle, two daily budgets", settle, plain));
        var today = TimeProvider.System.GetUtcNow();
        table.Append(CultureInfo.InvariantCulture, $"""

            The same INSERT, {BulkRows:N0} in one transaction: {Median(bulk):N0} rows a second. Added by reserve and settle at {CallsPerSecond} calls a second: {p50:0.00} ms (median), {p99:0.0} ms (99 of 100).
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
        return Rate(callers, _ =>
        {
            ledger.Append(Row.New(CallStatus.Ok));
            return Task.CompletedTask;
        });
    }

    private decimal Ours(int callers, Func<SqliteLedgerStore, int, Task> call)
    {
        using var home = new BenchmarkHome();
        var store = SqliteLedgerStore.Open(home.Path, new LlmCostsOptions(), NullLogger.Instance);
        try
        {
            return Rate(callers, caller => call(store, caller));
        }
        finally
        {
            store.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    private static async Task ReserveAndSettleAsync(SqliteLedgerStore store, int caller)
    {
        var record = Row.New(CallStatus.Ok);
        await store.ReserveAsync(new ReservationRequest { Record = record, Holds = Holds(record.At), Timeout = TimeSpan.FromMinutes(10) });
        await store.AppendAsync(record);
    }

    private static System.Collections.Immutable.ImmutableArray<Hold> Holds(DateTimeOffset at)
    {
        var day = new DateTimeOffset(at.UtcDateTime.Date, TimeSpan.Zero);
        return
        [
            new Hold(new BudgetWindow(s_all, "", day, day.AddDays(1)), Money.FromNanos(900_000), IsEnforced),
            new Hold(new BudgetWindow(s_project, "", day, day.AddDays(1)), Money.FromNanos(900_000), IsEnforced),
        ];
    }

    private const bool IsEnforced = true;

    private static readonly Budget s_all = Budget.Daily(1_000_000m);
    private static readonly Budget s_project = Budget.Daily(1_000_000m).ForProject("shop");

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

    private decimal Rate(int callers, Func<int, Task> call)
    {
        var (done, watch) = (0L, Stopwatch.StartNew());
        Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            var count = 0L;
            while (watch.Elapsed < round)
            {
                await call(caller);
                count++;
            }

            Interlocked.Add(ref done, count);
        }))).GetAwaiter().GetResult();
        return done / (decimal)watch.Elapsed.TotalSeconds;
    }

    private (decimal P50, decimal P99) Latency()
    {
        using var home = new BenchmarkHome();
        var store = SqliteLedgerStore.Open(home.Path, new LlmCostsOptions(), NullLogger.Instance);
        var calls = Math.Max(100, (int)(round.TotalSeconds * rounds * CallsPerSecond));
        var took = new List<decimal>(calls);
        var gate = new Lock();
        RunAsync().GetAwaiter().GetResult();
        store.DisposeAsync().AsTask().GetAwaiter().GetResult();
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
                    await ReserveAndSettleAsync(store, 0);
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
