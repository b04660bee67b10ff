using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>What the row of a hit costs in the background: queued and written, in processor time of all threads together.</summary>
[Config(typeof(ProcessTimeConfig))]
public class BackgroundRowBenchmarks
{
    private const int Rows = 5_000;

    private BenchmarkHome _home = null!;
    private SqliteLedgerStore _store = null!;

    [GlobalSetup]
    public void SetUp()
    {
        _home = new BenchmarkHome();
        _store = SqliteLedgerStore.Open(_home.Path, new LlmCostsOptions(), NullLogger.Instance);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        if (_store.DroppedRecords != 0)
        {
            throw new InvalidOperationException($"{_store.DroppedRecords} rows were dropped; they were not measured.");
        }

        _store.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _home.Dispose();
    }

    [Benchmark(OperationsPerInvoke = Rows, Description = "row of a hit, written in the background")]
    public async Task Later()
    {
        for (var i = 0; i < Rows; i++)
        {
            _store.AppendLater(Row.New(CallStatus.Cached));
        }

        await _store.FlushAsync();
    }
}
