namespace LlmCostCache.AI;

/// <summary>The one dated price that holds for a model, or the reason why there is none.</summary>
/// <param name="Entry">The model. Without a <paramref name="Reason"/> it has a price; with one it is the nearest that is known of it, if anything is.</param>
/// <param name="Index">The place of the price in the entry's history.</param>
/// <param name="Reason">Why there is no price; null when there is one.</param>
internal readonly record struct PriceFact(PriceEntry? Entry, int Index, string? Reason)
{
    /// <summary>The price; null when there is none.</summary>
    public DatedPrice? Price => Reason is null ? Entry!.Prices[Index] : null;

    /// <summary>The name of exactly this fact; null when there is none.</summary>
    public string? Revision => Reason is null ? Entry!.RevisionOf(Index) : null;
}
