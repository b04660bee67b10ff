namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>Amounts that somebody else names, in whole nano-dollars.</summary>
internal static class GivenCost
{
    /// <summary>What is above is a slip of units; nine rows of it are as much as can be added up.</summary>
    public const decimal Most = 1_000_000_000m;

    private static readonly Money s_least = Money.FromNanos(1);

    /// <summary>Half to even, as everything that is recorded; but what is above zero is at least one nano-dollar, because a cost of zero says that it was free.</summary>
    public static Money Of(decimal usd)
    {
        var rounded = Money.FromUsd(usd);
        return rounded == Money.Zero && usd > 0m ? s_least : rounded;
    }
}
