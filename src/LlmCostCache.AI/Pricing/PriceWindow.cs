namespace LlmCostCache.AI;

/// <summary>
/// Rates that hold at a time of day, in UTC; <paramref name="From"/> is inside, <paramref name="Until"/> is not, and midnight may lie between.
/// </summary>
internal sealed record PriceWindow(TimeOnly From, TimeOnly Until, RateCard Rates)
{
    public bool Holds(TimeOnly time) => time.IsBetween(From, Until);
}
