using System.Diagnostics;
using System.Globalization;

namespace LlmCostCache.AI.Benchmarks;

/// <summary>What a reservation takes beside ten budgets and beside ten thousand, in turns, so that both meet the same machine. The target is a ratio of at most 2 for the slowest in a hundred.</summary>
internal sealed class BudgetCountRun(int calls)
{
    public const int FullSize = 40_000;

    private const int Turn = 200;

    /// <summary>Runs and says what it saw, as a table.</summary>
    public (string Table, decimal Ratio) Run()
    {
        using var few = new BudgetedLedger(10);
        using var many = new BudgetedLedger(10_000);

        // Each user once, so that their windows are open: with few budgets they are after nine calls.
        Measure(few, new List<long>(), 10_000);
        Measure(many, new List<long>(), 10_000);
        var (fewTicks, manyTicks) = (new List<long>(calls), new List<long>(calls));
        for (var done = 0; done < calls; done += Turn)
        {
            Measure(few, fewTicks, Turn);
            Measure(many, manyTicks, Turn);
        }

        var ratio = decimal.Round((decimal)At(manyTicks, 99) / At(fewTicks, 99), 2);
        return (string.Create(CultureInfo.InvariantCulture, $"""
            | reservations | beside 10 budgets | beside 10,000 budgets | ratio |
            |---|---:|---:|---:|
            | half of them within | {Micros(At(fewTicks, 50)):N1} µs | {Micros(At(manyTicks, 50)):N1} µs | {(decimal)At(manyTicks, 50) / At(fewTicks, 50):0.00}x |
            | 99 % of them within | {Micros(At(fewTicks, 99)):N1} µs | {Micros(At(manyTicks, 99)):N1} µs | {ratio:0.00}x |

            {TimeProvider.System.GetUtcNow():yyyy-MM-dd}, {Environment.ProcessorCount} cores, .NET {Environment.Version}, {calls:N0} calls each, `dotnet run -c Release --project tests/LlmCostCache.AI.Benchmarks -- --budgets`

            """), ratio);
    }

    private static void Measure(BudgetedLedger ledger, List<long> ticks, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var began = Stopwatch.GetTimestamp();
            ledger.ReserveAsync().GetAwaiter().GetResult();
            ticks.Add(Stopwatch.GetTimestamp() - began);
            ledger.SettleAsync().GetAwaiter().GetResult();
        }
    }

    private static long At(List<long> ticks, int percent) => ticks.Order().ElementAt(ticks.Count * percent / 100);

    private static decimal Micros(long ticks) => ticks * 1_000_000m / Stopwatch.Frequency;
}
