namespace LlmCostCache.AI;

/// <summary>The one dated price that holds for a model, or the reason why there is none.</summary>
/// <param name="Entry">The model. Without a <paramref name="Reason"/> it has a price; with one it is the nearest that is known of it, if anything is.</param>
/// <param name="Index">The place of the price in the entry's history.</param>
/// <param name="Reason">Why there is no price; null when there is one.</param>
internal readonly record struct PriceFact(PriceEntry? Entry, int Index, string? Reason)
{
    private readonly PriceAdjustment? _adjustment;

    /// <summary>What is taken off this price and put on top; null when there is nothing. What is free stays free, and is not called discounted.</summary>
    public PriceAdjustment? Adjustment
    {
        get => Price is { IsFree: false } ? _adjustment : null;
        init => _adjustment = value;
    }

    /// <summary>What to know about this price; null when it is the seller's own.</summary>
    public string? Remark { get; init; }

    /// <summary>The price; null when there is none.</summary>
    public DatedPrice? Price => Reason is null ? Entry!.Prices[Index] : null;

    /// <summary>The name of exactly this fact, what is taken off and put on top included; null when there is none.</summary>
    public string? Revision => Reason is not null ? null
        : Adjustment is { } adjustment ? PriceAdjustments.RevisionOf(Entry!.RevisionOf(Index), adjustment)
        : Entry!.RevisionOf(Index);
}
