using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>Runs every benchmark once. What they say is not read; that they run is.</summary>
internal static class SmokeRun
{
    public static int Run()
    {
        MeasurementConfig.Effort = Effort.Smoke;
        var log = new AccumulationLogger();
        var quiet = ManualConfig.CreateEmpty().AddLogger(log).AddColumnProvider(DefaultColumnProviders.Instance);
        var ran = 0;
        var failed = new List<string>();
        foreach (var summary in BenchmarkTypes.All.Select(type => BenchmarkRunner.Run(type, quiet)))
        {
            failed.AddRange(summary.ValidationErrors.Where(error => error.IsCritical).Select(error => error.Message));
            failed.AddRange(summary.Reports.Where(report => !report.Success).Select(report => report.BenchmarkCase.DisplayInfo));
            ran += summary.Reports.Count(report => report.Success);
        }

        // How much is held does not depend on the clock: the only figure that a smoke run can judge.
        if (new CacheSoak(CacheSoak.SmokeSize).Run() is { Ratio: > 1.25m } soak)
        {
            failed.Add($"memory held {soak.Ratio} times its limit");
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{ran} benchmarks ran"));
        if (failed.Count == 0 && ran > 0)
        {
            return 0;
        }

        Console.Error.WriteLine(log.GetLog());
        Console.Error.WriteLine($"Failed: {string.Join("; ", failed)}");
        return 1;
    }
}
