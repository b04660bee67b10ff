namespace LlmCostCache.AI.Cli.Importing;

/// <summary>A model of a price list in our units, and what is wrong with it.</summary>
/// <param name="Entry">The model; what is wrong with a rate leaves the rate out.</param>
/// <param name="Problems">What its numbers cannot be.</param>
internal sealed record SourceModel(PriceEntry Entry, IReadOnlyList<PriceFinding> Problems)
{
    public string Name => $"{Entry.Provider ?? "any"}/{Entry.Id}";
}
