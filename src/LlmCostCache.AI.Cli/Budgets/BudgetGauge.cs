using LlmCostCache.AI.Cli.Rendering;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Budgets;

/// <summary>How full a budget is, wherever it is drawn.</summary>
internal static class BudgetGauge
{
    /// <summary>From this share on it is time to look.</summary>
    public const decimal NearlyUsed = 0.8m;

    private const int Width = 20;

    /// <summary>The share of the limit that is spent or reserved: what a call that comes now finds taken.</summary>
    public static decimal Taken(WindowBalance balance) => balance.Limit.Count <= 0 ? 1 : (decimal)(balance.Spent.Count + balance.Reserved.Count) / balance.Limit.Count;

    /// <summary>What is neither spent nor reserved, and never less than nothing.</summary>
    public static BudgetAmount Left(WindowBalance balance) => BudgetAmount.Of(balance.Limit.Unit, Math.Max(0, balance.Limit.Count - balance.Spent.Count - balance.Reserved.Count));

    public static string Bar(decimal share, Blocks blocks) => blocks.Gauge(share, Width);

    public static Style Colour(decimal share) => new(share >= 1 ? Color.Red : share >= NearlyUsed ? Color.Yellow : Color.Green);
}
