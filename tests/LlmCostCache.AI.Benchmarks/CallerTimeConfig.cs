namespace LlmCostCache.AI.Benchmarks;

/// <summary>For what waits for nobody: processor time of the calling thread, which other processes cannot inflate.</summary>
public sealed class CallerTimeConfig() : MeasurementConfig("caller", CpuClock.OfThread);
