using Perfolizer.Horology;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>For what waits for a disk or for another thread: the time on the wall.</summary>
public sealed class WallTimeConfig() : MeasurementConfig("wall", Chronometer.BestClock);
