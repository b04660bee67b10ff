using System.Diagnostics;
using System.Globalization;
using System.Text;
using LlmCostCache.AI.Cli;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>A month of many rows in one ledger: what reports, a full check and an export of it take, in processor time, because a busy machine lengthens only the other.</summary>
/// <param name="rows">How many calls.</param>
/// <param name="keptHome">A home whose ledger is used when it has one, and kept; null for one that is gone afterwards.</param>
internal sealed class MonthRun(long rows, string? keptHome = null)
{
    public const long FullSize = 10_000_000;

    private const int Days = 30;
    private const int Rounds = 5;

    private static readonly DateTimeOffset s_start = new(2026, 10, 23, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset s_end = s_start.AddDays(Days);

    /// <summary>Runs and says what it saw, as a table.</summary>
    public string Run()
    {
        using var passing = keptHome is null ? new BenchmarkHome() : null;
        var home = keptHome ?? passing!.Path;
        var file = LedgerFile.PathIn(home);
        var written = TimeSpan.Zero;
        if (!File.Exists(file))
        {
            var began = ProcessorTime();
            new MonthLedger(rows, s_start, Days) { Progress = Say(Stopwatch.StartNew()) }.WriteTo(home);
            written = ProcessorTime() - began;
        }

        else
        {
            // One of an older schema is brought up to date before it is measured.
            LedgerFile.OpenForWriting(file, TimeProvider.System).Dispose();
        }

        var lines = new List<(string What, string Took)>();
        var filter = new LedgerFilter { Since = s_start, Until = s_end };
        using (var reader = LedgerReader.Open(file, new EndOfMonth()))
        {
            LedgerCalendar utc = reader.Calendar, kolkata = utc.In(TimeZoneInfo.FindSystemTimeZoneById("Asia/Kolkata"));
            lines.Add(("the month in one sum", Median(() => reader.Totals(null, null, filter, default))));
            lines.Add(("by model", Median(() => reader.Totals(LedgerDimension.Model, null, filter, default))));
            lines.Add(("by day, UTC", Median(() => reader.Totals(LedgerDimension.Day, null, filter, default))));
            reader.Calendar = kolkata;
            lines.Add(("by day, Asia/Kolkata", Median(() => reader.Totals(LedgerDimension.Day, null, filter, default))));
            reader.Calendar = utc;
            lines.Add(("by day and model", Median(() => reader.Totals(LedgerDimension.Day, LedgerDimension.Model, filter, default))));
            lines.Add(("by user", Median(() => reader.Totals(LedgerDimension.User, null, filter, default))));
        }

        lines.Add(("`llmcost report --last 30d`, in the process", Median(() => Command("report", "--last", "30d", "--home", home))));
        lines.Add(("`llmcost`, in the process", Median(() => Command("--home", home))));

        var (exported, exportTime, grown) = Export(home);
        var check = ProcessorTime();
        LedgerVerification verified;
        using (var reader = LedgerReader.Open(file, new EndOfMonth()))
        {
            verified = reader.Verify(null, default);
        }

        check = ProcessorTime() - check;
        if (!verified.IsIntact)
        {
            throw new InvalidOperationException($"The ledger does not verify: {verified.Problems[0]}");
        }

        return Table(lines, file, written, verified.Rows, check, exported, exportTime, grown);
    }

    private string Table(List<(string What, string Took)> lines, string file, TimeSpan written, long checkedRows, TimeSpan check, long exported, TimeSpan exportTime, long grown)
    {
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"| {checkedRows:N0} rows in a month | processor time | elapsed |\n|---|---:|---:|\n"));
        foreach (var (what, took) in lines)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {what} | {took} |\n");
        }

        using var connection = LedgerFile.OpenForReading(file);
        var sums = SqliteFile.Scalar(connection, "SELECT COUNT(*) FROM rollup_slot");
        var whole = SqliteFile.Scalar(connection, "SELECT COUNT(*) FROM rollup_slot JOIN dimension ON dimension.id = rollup_slot.dimension WHERE whole = 1");
        text.Append(CultureInfo.InvariantCulture, $"| `llmcost ledger verify`, every row and every sum | {check.TotalSeconds:N1} s, {checkedRows / (decimal)check.TotalSeconds:N0} rows a second | |\n")
            .Append(CultureInfo.InvariantCulture, $"| export of all as JSON lines | {exportTime.TotalSeconds:N1} s, {exported / (decimal)exportTime.TotalSeconds:N0} rows a second | |\n")
            .Append(CultureInfo.InvariantCulture, $"| memory that the export added at most | {grown / 1048576m:N1} MB | |\n")
            .Append(CultureInfo.InvariantCulture, $"| the file | {new FileInfo(file).Length >> 20:N0} MB, {new FileInfo(file).Length / checkedRows:N0} bytes a row; {sums:N0} sums of quarter-hours, {whole:N0} without callers | |\n");
        if (written > TimeSpan.Zero)
        {
            text.Append(CultureInfo.InvariantCulture, $"| writing it, 5,000 rows a transaction without waiting for the disk | {checkedRows / (decimal)written.TotalSeconds:N0} rows a second | |\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"""

            Medians of {Rounds}. {TimeProvider.System.GetUtcNow():yyyy-MM-dd}, {Environment.ProcessorCount} cores, .NET {Environment.Version}, SQLite {SqliteFile.LoadedVersion()}, `dotnet run -c Release --project tests/LlmCostCache.AI.Benchmarks -- --month {rows}`

            """);
        return text.ToString();
    }

    private static Action<long> Say(Stopwatch watch)
    {
        var next = TimeSpan.FromSeconds(10);
        return done =>
        {
            if (watch.Elapsed >= next)
            {
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{done:N0} rows written, {done / watch.Elapsed.TotalSeconds:N0} a second"));
                next += TimeSpan.FromSeconds(30);
            }
        };
    }

    private static string Median(Action work)
    {
        var (took, elapsed) = (new List<decimal>(), new List<decimal>());
        for (var i = 0; i < Rounds; i++)
        {
            var (began, watch) = (ProcessorTime(), Stopwatch.StartNew());
            work();
            elapsed.Add((decimal)watch.Elapsed.TotalMilliseconds);
            took.Add((decimal)(ProcessorTime() - began).TotalMilliseconds);
        }

        return string.Create(CultureInfo.InvariantCulture, $"{took.Order().ElementAt(Rounds / 2):N0} ms | {elapsed.Order().ElementAt(Rounds / 2):N0} ms");
    }

    private static (long Rows, TimeSpan Took, long Grown) Export(string home)
    {
        GC.Collect();
        var (before, most) = (WorkingSet(), 0L);
        using var done = new CancellationTokenSource();
        var watching = Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
            {
                most = Math.Max(most, WorkingSet());
                await Task.Delay(20);
            }
        });
        var store = SqliteLedgerStore.OpenReader(home, new EndOfMonth());
        var began = ProcessorTime();
        var rows = new Ledger(store).ExportAsync(Stream.Null, LedgerExportFormat.Jsonl).AsTask().GetAwaiter().GetResult();
        var took = ProcessorTime() - began;
        done.Cancel();
        watching.GetAwaiter().GetResult();
        store.DisposeAsync().AsTask().GetAwaiter().GetResult();
        return (rows, took, Math.Max(0, most - before));
    }

    private static TimeSpan ProcessorTime()
    {
        using var process = Process.GetCurrentProcess();
        return process.TotalProcessorTime;
    }

    private static long WorkingSet()
    {
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    private static void Command(params string[] args)
    {
        using var output = new MemoryStream();
        using var writer = new StreamWriter(output) { AutoFlush = true };
        using var error = new StringWriter();
        var code = Cli.CommandLine.RunAsync(args, new CliHost
        {
            Input = Stream.Null,
            Output = output,
            Console = CliHost.ConsoleFor(writer, plain: true, unlimited: true),
            Error = error,
            Time = new EndOfMonth(),
        }).GetAwaiter().GetResult();
        if (code != ExitCode.Done)
        {
            throw new InvalidOperationException($"llmcost {string.Join(' ', args)} ended with {code}: {error}");
        }
    }

    private sealed class EndOfMonth : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => s_end;
    }
}
