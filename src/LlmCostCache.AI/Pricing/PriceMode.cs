namespace LlmCostCache.AI;

/// <summary>
/// The rates of a service tier (batch, flex, priority, ...). What it does not name costs the standard rate; it has its own tiers or none.
/// </summary>
internal sealed record PriceMode(RateCard Rates, IReadOnlyList<PriceTier> Tiers);
