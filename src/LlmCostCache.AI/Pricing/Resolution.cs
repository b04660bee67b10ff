namespace LlmCostCache.AI;

/// <summary>The entry that a reported name means, or the reason why there is none.</summary>
internal sealed record Resolution(PriceEntry? Entry, string? Reason)
{
    /// <summary>The discount and margin of the price; null when there is none.</summary>
    public PriceAdjustment? Adjustment { get; init; }

    public static Resolution To(PriceEntry entry) => new(entry, null);

    public static Resolution None(string reason) => new(null, reason);
}
