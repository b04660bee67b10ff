namespace LlmCostCache.AI.Benchmarks;

internal static class BenchmarkTypes
{
    public static Type[] All { get; } =
    [
        typeof(HitBenchmarks), typeof(StreamingHitBenchmarks), typeof(ChineseHitBenchmarks), typeof(ThroughputBenchmarks), typeof(StoreBenchmarks), typeof(MissBenchmarks),
        typeof(SlowProviderBenchmarks), typeof(LedgerBenchmarks), typeof(BackgroundRowBenchmarks), typeof(PriceLinesBenchmarks), typeof(BudgetCountBenchmarks),
    ];
}
