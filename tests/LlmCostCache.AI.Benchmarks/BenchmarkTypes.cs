namespace LlmCostCache.AI.Benchmarks;

internal static class BenchmarkTypes
{
    public static Type[] All { get; } =
    [
        typeof(HitBenchmarks), typeof(StreamingHitBenchmarks), typeof(MissBenchmarks), typeof(LedgerBenchmarks), typeof(BackgroundRowBenchmarks), typeof(PriceLinesBenchmarks),
        typeof(StoreBenchmarks),
    ];
}
