using BenchmarkDotNet.Attributes;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>Reserve and settle beside ten budgets and beside ten thousand. The target is a ratio of at most 2; <see cref="BudgetCountRun"/> looks at the slowest in a hundred.</summary>
[Config(typeof(WallTimeConfig))]
public class BudgetCountBenchmarks
{
    private BudgetedLedger _few = null!;
    private BudgetedLedger _many = null!;

    [GlobalSetup]
    public void SetUp()
    {
        _few = new BudgetedLedger(10);
        _many = new BudgetedLedger(10_000);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _few.Dispose();
        _many.Dispose();
    }

    [Benchmark(Baseline = true, Description = "beside 10 budgets")]
    public async Task Few()
    {
        await _few.ReserveAsync();
        await _few.SettleAsync();
    }

    [Benchmark(Description = "beside 10,000 budgets")]
    public async Task Many()
    {
        await _many.ReserveAsync();
        await _many.SettleAsync();
    }
}
