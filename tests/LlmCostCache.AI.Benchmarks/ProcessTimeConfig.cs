namespace LlmCostCache.AI.Benchmarks;

/// <summary>For what several threads of ours do together: processor time of the whole process.</summary>
public sealed class ProcessTimeConfig() : MeasurementConfig("process", CpuClock.OfProcess);
