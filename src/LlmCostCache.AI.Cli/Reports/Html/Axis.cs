namespace LlmCostCache.AI.Cli.Reports.Html;

/// <summary>A scale of dollars whose lines are round numbers.</summary>
internal sealed class Axis
{
    private const int Lines = 4;

    public Axis(Money least, Money most)
    {
        var (low, high) = (Math.Min(0, least.Usd), Math.Max(0, most.Usd));
        high = low == high ? 1 : high;
        Step = RoundUp((high - low) / Lines);
        (Bottom, Top) = (decimal.Floor(low / Step) * Step, decimal.Ceiling(high / Step) * Step);
    }

    public decimal Step { get; }

    public decimal Bottom { get; }

    public decimal Top { get; }

    public IEnumerable<decimal> Ticks
    {
        get
        {
            for (var tick = Bottom; tick <= Top; tick += Step)
            {
                yield return tick;
            }
        }
    }

    /// <summary>Which share of the height an amount has, from the bottom.</summary>
    public decimal ShareOf(decimal usd) => (usd - Bottom) / (Top - Bottom);

    /// <summary>One, two or five times a power of ten that is not smaller; at least a nano-dollar.</summary>
    private static decimal RoundUp(decimal step)
    {
        var power = 0.000000001m;
        while (power * 10 <= step)
        {
            power *= 10;
        }

        return step <= power ? power : step <= power * 2 ? power * 2 : step <= power * 5 ? power * 5 : power * 10;
    }
}
