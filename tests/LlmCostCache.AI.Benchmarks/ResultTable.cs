using System.Globalization;
using System.Text;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>Rounds of one class as Markdown: medians, ratios within the round, allocations, and what they were measured on.</summary>
internal static class ResultTable
{
    public static string Of(IReadOnlyList<Summary> rounds, Effort effort)
    {
        var summary = rounds[0];
        var type = summary.BenchmarksCases[0].Descriptor.Type;
        var parameters = summary.BenchmarksCases[0].Parameters.Items.Select(item => item.Name).ToList();
        var text = new StringBuilder();
        text.Append('|');
        foreach (var name in parameters)
        {
            text.Append($" {name} |");
        }

        text.Append($" | {Clock(type)} | ratio | allocated | ratio |\n|");
        text.Append(string.Concat(parameters.Select(_ => "---:|")));
        text.Append("---|---:|---:|---:|---:|\n");
        foreach (var group in summary.BenchmarksCases.GroupBy(benchmark => benchmark.Parameters.DisplayInfo))
        {
            var baseline = group.FirstOrDefault(benchmark => benchmark.Descriptor.Baseline);
            foreach (var benchmark in group)
            {
                var other = baseline ?? benchmark;
                text.Append('|');
                foreach (var item in benchmark.Parameters.Items)
                {
                    text.Append(CultureInfo.InvariantCulture, $" {Value(item.Value)} |");
                }

                text.Append(CultureInfo.InvariantCulture, $" {benchmark.Descriptor.WorkloadMethodDisplayInfo.Trim('\'')} | {Time(Median(rounds, round => Nanoseconds(round, benchmark)))} |");
                text.Append(baseline is null ? " |" : Invariant($" {Median(rounds, round => Nanoseconds(round, benchmark) / Nanoseconds(round, other)):0.000}x |"));
                text.Append(CultureInfo.InvariantCulture, $" {Size(Bytes(summary, benchmark))} |");
                text.Append(baseline is null || Bytes(summary, other) == 0 ? " |\n" : Invariant($" {Bytes(summary, benchmark) / Bytes(summary, other):0.000}x |\n"));
            }
        }

        var today = TimeProvider.System.GetUtcNow();
        text.Append(CultureInfo.InvariantCulture, $"\n{today:yyyy-MM-dd}, {Environment.ProcessorCount} cores, .NET {Environment.Version}, ")
            .Append($"`dotnet run -c Release --project tests/LlmCostCache.AI.Benchmarks -- --record {(effort == Effort.Short ? "--short " : "")}{type.Name}`\n");
        return text.ToString();
    }

    private static string Clock(Type type) => type.GetCustomAttributes(typeof(BenchmarkDotNet.Attributes.ConfigAttribute), inherit: false).Cast<BenchmarkDotNet.Attributes.ConfigAttribute>().Single().Config switch
    {
        CallerTimeConfig => "CPU time of the caller",
        ProcessTimeConfig => "CPU time of all threads",
        _ => "time",
    };

    // A round has cases of its own; they are the same in name.
    private static BenchmarkReport Report(Summary round, BenchmarkCase benchmark) => round.Reports.Single(report =>
        report.BenchmarkCase.Descriptor.WorkloadMethod == benchmark.Descriptor.WorkloadMethod && report.BenchmarkCase.Parameters.DisplayInfo == benchmark.Parameters.DisplayInfo);

    private static double Nanoseconds(Summary round, BenchmarkCase benchmark) => Report(round, benchmark).ResultStatistics!.Median;

    private static double Bytes(Summary round, BenchmarkCase benchmark) => Report(round, benchmark).GcStats.GetBytesAllocatedPerOperation(benchmark) ?? 0;

    private static double Median(IReadOnlyList<Summary> rounds, Func<Summary, double> value) => rounds.Select(value).Order().ElementAt(rounds.Count / 2);

    private static string Value(object value) => value switch
    {
        int number => number.ToString("N0", CultureInfo.InvariantCulture),
        bool flag => flag ? "8" : "none",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    private static string Time(double nanoseconds) => nanoseconds switch
    {
        < 1_000 => Invariant($"{nanoseconds:N0} ns"),
        < 100_000 => Invariant($"{nanoseconds / 1_000:N2} µs"),
        < 1_000_000 => Invariant($"{nanoseconds / 1_000:N0} µs"),
        _ => Invariant($"{nanoseconds / 1_000_000:N2} ms"),
    };

    private static string Size(double bytes) => bytes < 10_000 ? Invariant($"{bytes:N0} B") : Invariant($"{bytes / 1024:N1} KB");

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
