using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>How long a call waits for the ledger when several processes write one file as fast as they can.</summary>
internal sealed class LedgerProcesses(TimeSpan length)
{
    public const string Verb = "--ledger-caller";

    private const int Processes = 4;
    private const int Callers = 8;

    public sealed record Result(string Table, decimal P99, decimal Longest);

    public Result Run()
    {
        using var home = new BenchmarkHome();
        SqliteLedgerStore.Open(home.Path, new LlmCostsOptions(), NullLogger.Instance).DisposeAsync().AsTask().GetAwaiter().GetResult();
        var children = Enumerable.Range(0, Processes).Select(_ => Start(home.Path)).ToList();
        var said = children.ConvertAll(static child => child.StandardOutput.ReadToEndAsync());
        foreach (var child in children)
        {
            child.StandardInput.WriteLine("begin");
            child.StandardInput.Close();
        }

        var took = new List<decimal>();
        foreach (var (child, output) in children.Zip(said))
        {
            took.AddRange(output.GetAwaiter().GetResult().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => decimal.Parse(line, CultureInfo.InvariantCulture)));
            child.WaitForExit();
            if (child.ExitCode != 0)
            {
                throw new InvalidOperationException($"A process that wrote ended with {child.ExitCode}.");
            }

            child.Dispose();
        }

        var store = SqliteLedgerStore.Open(home.Path, new LlmCostsOptions(), NullLogger.Instance);
        var check = store.VerifyAsync().AsTask().GetAwaiter().GetResult();
        store.DisposeAsync().AsTask().GetAwaiter().GetResult();
        if (!check.IsIntact || check.Rows != took.Count)
        {
            throw new InvalidOperationException($"{took.Count} calls were acknowledged, {check.Rows} are there. {string.Join(' ', check.Problems)}");
        }

        took.Sort();
        var (p50, p99, longest) = (took[took.Count / 2], took[took.Count * 99 / 100], took[^1]);
        var today = TimeProvider.System.GetUtcNow();
        return new Result(string.Create(CultureInfo.InvariantCulture, $"""
            | {Processes} processes, {Callers} callers each, on one file | ms |
            |---|---:|
            | reserve and settle, median | {p50:0.0} |
            | 99 of 100 | {p99:0.0} |
            | the longest | {longest:0.0} |

            {took.Count / (decimal)length.TotalSeconds:N0} calls a second together, for {length.TotalSeconds:0} s; the ledger was verified afterwards.

            {today:yyyy-MM-dd}, {Environment.ProcessorCount} cores, .NET {Environment.Version}, SQLite {SqliteFile.LoadedVersion()}, `dotnet run -c Release --project tests/LlmCostCache.AI.Benchmarks -- --processes`

            """), p99, longest);
    }

    /// <summary>What a child does: it calls until its time is up and says how many milliseconds each call took.</summary>
    public static int Call(string home, double seconds)
    {
        var store = SqliteLedgerStore.Open(home, new LlmCostsOptions(), NullLogger.Instance);
        LedgerCalls.ReserveAndSettleAsync(store).GetAwaiter().GetResult();

        // All begin together.
        Console.In.ReadLine();
        var (length, watch) = (TimeSpan.FromSeconds(seconds), Stopwatch.StartNew());
        var took = Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => Task.Run(async () =>
        {
            var own = new List<decimal>();
            while (watch.Elapsed < length)
            {
                var began = Stopwatch.GetTimestamp();
                await LedgerCalls.ReserveAndSettleAsync(store);
                own.Add((decimal)Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            }

            return own;
        }))).GetAwaiter().GetResult();
        store.DisposeAsync().AsTask().GetAwaiter().GetResult();

        // The call that warmed up is a row too.
        Console.Out.WriteLine("0");
        foreach (var own in took.SelectMany(static own => own))
        {
            Console.Out.WriteLine(own.ToString("0.000", CultureInfo.InvariantCulture));
        }

        return 0;
    }

    private Process Start(string home)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardInput = true, UseShellExecute = false };
        foreach (var argument in (string[])[typeof(LedgerProcesses).Assembly.Location, Verb, home, length.TotalSeconds.ToString(CultureInfo.InvariantCulture)])
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }
}
