using System.Numerics;
using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Checkup;

/// <summary>Finds calls whose input is many times as long as is usual for their model: a history or a file that is sent along without need.</summary>
/// <remarks>Lengths are kept in steps of an eighth of their size, so that a ledger of any length needs the same memory.</remarks>
internal sealed class ContextSizes
{
    private const string Check = "oversized_contexts";
    private const int StepsOfDoubling = 8;
    private const int LeastCalls = 50;
    private const long LeastTokens = 8_000;
    private const int MuchLonger = 8;

    private readonly Dictionary<(string? Provider, string? Model), SortedDictionary<long, Step>> _models = [];

    public void Add(UsageRecord row)
    {
        var input = row.Cost.Usage.TotalInputTokens;
        if (input == 0)
        {
            return;
        }

        if (!_models.TryGetValue((row.Provider, row.Model), out var steps))
        {
            _models.Add((row.Provider, row.Model), steps = []);
        }

        var at = StepOf(input);
        if (!steps.TryGetValue(at, out var step))
        {
            steps.Add(at, step = new());
        }

        step.Calls++;
        step.Tokens += input;
        step.Cost += row.Cost.Amount ?? Money.Zero;
    }

    public CheckResult Result()
    {
        var (calls, tokens, cost, worst) = (0L, 0L, Money.Zero, default((string? Model, long Median, long Calls)?));
        foreach (var ((_, model), steps) in _models)
        {
            var median = Median(steps);
            var oversized = steps.Where(step => step.Key >= LeastTokens && step.Key >= MuchLonger * median).Select(step => step.Value).ToList();
            if (steps.Values.Sum(step => step.Calls) < LeastCalls || oversized.Count == 0)
            {
                continue;
            }

            var longOnes = oversized.Sum(step => step.Calls);
            worst = worst is { } known && known.Calls >= longOnes ? worst : (model, median, longOnes);
            calls += longOnes;
            tokens += oversized.Sum(step => step.Tokens);
            cost += oversized.Aggregate(Money.Zero, (sum, step) => sum + step.Cost);
        }

        return calls == 0 ? new(Check) : new(Check)
        {
            What = $"{Amounts.Count(calls, "call")} had at least {MuchLonger} times the usual input of their model, {Amounts.Count(tokens / calls)} tokens on average; for {worst!.Value.Model} about "
                + $"{Amounts.Count(worst.Value.Median)} are usual.",
            Calls = calls,
            Cost = cost,
            Remedy = "Look at them with 'llmcost export': shorten histories, send parts of files instead of whole ones, or limit them with Budget.PerCall.",
        };
    }

    /// <summary>The length at or below it that lengths are counted under.</summary>
    private static long StepOf(long tokens)
    {
        var power = BitOperations.Log2((ulong)tokens);
        var step = Math.Max(1, (1L << power) / StepsOfDoubling);
        return tokens / step * step;
    }

    private static long Median(SortedDictionary<long, Step> steps)
    {
        var half = (steps.Values.Sum(step => step.Calls) + 1) / 2;
        foreach (var (length, step) in steps)
        {
            half -= step.Calls;
            if (half <= 0)
            {
                return length;
            }
        }

        return 0;
    }

    private sealed class Step
    {
        public long Calls { get; set; }

        public long Tokens { get; set; }

        public Money Cost { get; set; }
    }
}
