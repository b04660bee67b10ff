using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>Rows that are on the disk when their writer goes on, beside the usual way: one INSERT a transaction under a lock (WAL, synchronous=FULL), same columns.</summary>
/// <remarks>Ours also checks for the id, keeps the hash chain and the roll-up, and counts in the windows of budgets.</remarks>
[Config(typeof(WallTimeConfig))]
public class LedgerBenchmarks
{
    private const int Rows = 512;

    private BenchmarkHome _home = null!;
    private SqliteLedgerStore? _store;
    private AutocommitLedger? _autocommit;

    [Params(1, 8, 64)]
    public int Appenders { get; set; }

    [GlobalSetup(Target = nameof(Autocommit))]
    public void SetUpAutocommit()
    {
        _home = new BenchmarkHome();
        _autocommit = new AutocommitLedger(Path.Combine(_home.Path, "ledger.db"));
    }

    [GlobalSetup(Target = nameof(Ledger))]
    public void SetUpLedger()
    {
        _home = new BenchmarkHome();
        _store = SqliteLedgerStore.Open(_home.Path, new LlmCostsOptions(), NullLogger.Instance);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _autocommit?.Dispose();
        _store?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _home.Dispose();
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Rows, Description = "autocommit under a lock")]
    public Task Autocommit() => AppendAll(record =>
    {
        _autocommit!.Append(record);
        return ValueTask.CompletedTask;
    });

    [Benchmark(OperationsPerInvoke = Rows, Description = "our ledger")]
    public Task Ledger() => AppendAll(async record => await _store!.AppendAsync(record));

    private Task AppendAll(Func<UsageRecord, ValueTask> append) => Task.WhenAll(Enumerable.Range(0, Appenders).Select(_ => Task.Run(async () =>
    {
        for (var i = 0; i < Rows / Appenders; i++)
        {
            await append(Row.New(CallStatus.Ok));
        }
    })));
}
