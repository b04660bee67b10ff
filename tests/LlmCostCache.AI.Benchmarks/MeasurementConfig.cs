using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Engines;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Order;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>What all benchmarks share: in this process, ratios, allocations of all threads.</summary>
public abstract class MeasurementConfig : ManualConfig
{
    private protected MeasurementConfig(string jobName, IClock clock)
    {
        var job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithClock(clock).WithId(jobName).WithUnrollFactor(1);
        AddJob(Effort switch
        {
            Effort.Smoke => job.WithStrategy(RunStrategy.ColdStart).WithLaunchCount(1).WithWarmupCount(0).WithIterationCount(1).WithInvocationCount(1),
            Effort.Short => job.WithWarmupCount(6).WithIterationCount(7).WithIterationTime(TimeInterval.FromMilliseconds(80)),
            _ => job.WithIterationTime(TimeInterval.FromMilliseconds(500)),
        });
        AddDiagnoser(MemoryDiagnoser.Default);
        WithOrderer(new DefaultOrderer(SummaryOrderPolicy.Declared));
        WithSummaryStyle(SummaryStyle.Default.WithRatioStyle(RatioStyle.Value));
        WithArtifactsPath(Path.Combine(Path.GetTempPath(), "llmcost-benchmarks"));
        WithOption(ConfigOptions.DisableOptimizationsValidator, Effort == Effort.Smoke);
        WithOption(ConfigOptions.DisableLogFile, Effort == Effort.Smoke);
        WithBuildTimeout(TimeSpan.FromMinutes(2));
    }

    internal static Effort Effort { get; set; }
}
