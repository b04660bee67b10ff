using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>Measures and puts the tables into docs/benchmarks.md, between the words that people wrote.</summary>
internal static class Recording
{
    // Disks and neighbours change their pace within seconds; what is compared takes turns.
    private const int Rounds = 3;

    public static int Run(string[] args)
    {
        MeasurementConfig.Effort = args.Contains("--short") ? Effort.Short : Effort.Full;
        var names = args.Where(arg => arg != "--short").ToList();
        var types = BenchmarkTypes.All.Where(type => names.Count == 0 || names.Contains(type.Name)).ToList();
        if (types.Count == 0 || names.Count > types.Count)
        {
            Console.Error.WriteLine($"There are {string.Join(", ", BenchmarkTypes.All.Select(type => type.Name))}.");
            return 2;
        }

        var page = new ResultPage(Path.Combine(Repository.Root, "docs", "benchmarks.md"));
        foreach (var type in types)
        {
            var rounds = new List<Summary>();
            while (rounds.Count < Rounds)
            {
                var summary = BenchmarkRunner.Run(type);
                if (summary.HasCriticalValidationErrors || summary.Reports.Any(report => !report.Success))
                {
                    Console.Error.WriteLine($"{type.Name} failed; its table is left as it was.");
                    return 1;
                }

                rounds.Add(summary);
            }

            page.Put(type.Name, ResultTable.Of(rounds, MeasurementConfig.Effort));
        }

        return 0;
    }
}
