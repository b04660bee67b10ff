namespace LlmCostCache.AI.Benchmarks;

/// <summary>How much is measured.</summary>
internal enum Effort
{
    /// <summary>As much as BenchmarkDotNet finds necessary.</summary>
    Full,

    /// <summary>Enough for a ratio.</summary>
    Short,

    /// <summary>Once, to see that it runs.</summary>
    Smoke,
}
