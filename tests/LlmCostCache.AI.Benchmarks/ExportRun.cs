using System.Globalization;
using System.Text;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>What <c>llmcost export</c> takes as a process of its own: rows a second, and memory at its most for a ledger and for one of ten times as many rows.</summary>
/// <param name="keptHome">A directory whose ledgers are used when it has them, and kept; null for one that is gone afterwards.</param>
internal sealed class ExportRun(string? keptHome = null)
{
    private const long Few = 100_000;
    private const long Many = 1_000_000;
    private const int Rounds = 3;

    private static readonly DateTimeOffset s_start = new(2026, 10, 23, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The table, and the largest ratio of memory among our formats.</summary>
    public sealed record Result(string Table, decimal Ratio);

    public Result Run()
    {
        using var passing = keptHome is null ? new BenchmarkHome() : null;
        var home = keptHome ?? passing!.Path;
        var (few, many) = (LedgerOf(home, Few), LedgerOf(home, Many));
        var (text, worst) = (new StringBuilder("| | rows a second of processor time | elapsed | peak, 100,000 rows | peak, 1,000,000 rows | ratio | file |\n|---|---:|---:|---:|---:|---:|---:|\n"), 0m);
        foreach (var format in new[] { "csv", "jsonl", "parquet", "focus" })
        {
            worst = Math.Max(worst, Add($"`llmcost export --format {format}`", (ledger, file) => PeakMemory.Of(LlmCost, "export", "--format", format, "-o", file, "--home", ledger)));
        }

        Add("by hand, csv: SqliteDataReader and StreamWriter", (ledger, file) => PeakMemory.Of(Own, NaiveExport.Arguments(LedgerFile.PathIn(ledger), file, keepsAll: false)));
        Add("by hand, csv: all rows in a list first", (ledger, file) => PeakMemory.Of(Own, NaiveExport.Arguments(LedgerFile.PathIn(ledger), file, keepsAll: true)));
        text.Append(CultureInfo.InvariantCulture, $"""

            Medians of {Rounds}, each a process of its own from start to end, times and files of 1,000,000 rows; memory is what the system says that the process had resident at its most (VmHWM). {TimeProvider.System.GetUtcNow():yyyy-MM-dd}, {Environment.ProcessorCount} cores, .NET {Environment.Version}, SQLite {SqliteFile.LoadedVersion()}, `dotnet run -c Release --project tests/LlmCostCache.AI.Benchmarks -- --export`

            """);
        return new(text.ToString(), worst);

        decimal Add(string name, Func<string, string, PeakMemory> export)
        {
            var file = Path.Combine(home, "export");
            var ofFew = Enumerable.Range(0, Rounds).Select(_ => export(few, file)).ToList();
            var ofMany = Enumerable.Range(0, Rounds).Select(_ => export(many, file)).ToList();
            var (least, most) = (Median(ofFew.Select(static run => run.Bytes)), Median(ofMany.Select(static run => run.Bytes)));
            var ratio = (decimal)most / least;
            text.Append(CultureInfo.InvariantCulture, $"| {name} | {Many / (decimal)Median(ofMany.Select(static run => run.Worked)).TotalSeconds:N0} | {Median(ofMany.Select(static run => run.Took)).TotalSeconds:N1} s | {least >> 20:N0} MB | {most >> 20:N0} MB | {ratio:0.00}x | {new FileInfo(file).Length >> 20:N0} MB |\n");
            Console.Error.WriteLine($"{name}: {most >> 20} MB");
            File.Delete(file);
            return ratio;
        }
    }

    private static string LlmCost => Path.Combine(AppContext.BaseDirectory, "llmcost.dll");

    private static string Own => typeof(ExportRun).Assembly.Location;

    private static string LedgerOf(string home, long rows)
    {
        var own = Path.Combine(home, rows.ToString(CultureInfo.InvariantCulture));
        if (!File.Exists(LedgerFile.PathIn(own)))
        {
            // Half a ledger of a run that was stopped must not be taken for a whole one.
            var draft = Directory.CreateDirectory($"{own}-{Environment.ProcessId}").FullName;
            new MonthLedger(rows, s_start, days: 30).WriteTo(draft);
            Directory.Move(draft, own);
        }

        return own;
    }

    private static T Median<T>(IEnumerable<T> values) => values.Order().ElementAt(Rounds / 2);
}
