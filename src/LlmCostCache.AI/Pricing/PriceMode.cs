namespace LlmCostCache.AI;

/// <summary>
/// The rates of a service tier (batch, flex, priority, ...). What it does not name costs the standard rate; it has its own tiers or none.
/// A mode that is a multiple of the standard rates (<paramref name="Multiplier"/> other than one) follows their tiers, unless it has its own.
/// </summary>
internal sealed record PriceMode(RateCard Rates, IReadOnlyList<PriceTier> Tiers, decimal Multiplier = 1m)
{
    /// <summary>The tiers that hold in this mode of a price with the tiers <paramref name="standard"/>.</summary>
    public IReadOnlyList<PriceTier> TiersBeside(IReadOnlyList<PriceTier> standard) => Multiplier == 1m || Tiers.Count > 0 ? Tiers : standard;
}
