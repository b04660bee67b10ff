namespace LlmCostCache.AI.Cli.Checkup;

/// <summary>How many calls, and what is booked for them.</summary>
internal sealed class CallTally
{
    public long Calls { get; private set; }

    public Money Cost { get; private set; }

    /// <summary>Calls without a price, which are not in the cost.</summary>
    public long Unpriced { get; private set; }

    public void Add(UsageRecord row)
    {
        Calls++;
        Cost += row.Cost.Amount ?? Money.Zero;
        Unpriced += row.Cost.Certainty == CostCertainty.Unknown ? 1 : 0;
    }
}
