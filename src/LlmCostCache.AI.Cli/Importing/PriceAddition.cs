namespace LlmCostCache.AI.Cli.Importing;

/// <summary>Prices that a file is to hold for a model besides those that it holds.</summary>
/// <param name="Entry">The names of the model and what is known about it.</param>
/// <param name="Prices">The prices, each with its days.</param>
internal sealed record PriceAddition(PriceEntry Entry, IReadOnlyList<DatedPrice> Prices);
