namespace LlmCostCache.AI;

/// <summary>What the price book knows about a model besides its price.</summary>
/// <param name="Provider">The provider in the price book.</param>
/// <param name="Model">The id in the price book.</param>
/// <param name="ContextWindow">How many tokens fit into one request; null when not known.</param>
/// <param name="MaxOutputTokens">How many tokens an answer can have; null when not known.</param>
/// <param name="Encoding">The tokenizer's encoding (<c>o200k_base</c>, <c>cl100k_base</c>); null when it is not public.</param>
public sealed record ModelFacts(string Provider, string Model, long? ContextWindow, long? MaxOutputTokens, string? Encoding);
