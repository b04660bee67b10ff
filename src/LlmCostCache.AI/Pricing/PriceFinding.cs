namespace LlmCostCache.AI;

/// <summary>A reason not to trust a price.</summary>
/// <param name="Concern">The kind of reason.</param>
/// <param name="What">The reason in words, with the numbers.</param>
internal sealed record PriceFinding(PriceConcern Concern, string What);
