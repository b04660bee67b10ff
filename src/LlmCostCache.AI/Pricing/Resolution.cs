namespace LlmCostCache.AI;

/// <summary>The entry that a reported name means, or the reason why there is none.</summary>
internal sealed record Resolution(PriceEntry? Entry, string? Reason)
{
    /// <summary>The discount and margin of the price; null when there is none.</summary>
    public PriceAdjustment? Adjustment { get; init; }

    /// <summary>What to know about the price that was found; null when it is the seller's own.</summary>
    public string? Remark { get; init; }

    /// <summary>The place of the override that the entry is from; null when it is from the built-in book.</summary>
    public int? Layer { get; init; }

    /// <summary>The entries between which nothing decides; empty when there is one, or none at all.</summary>
    public IReadOnlyList<PriceEntry> Candidates { get; init; } = [];

    public static Resolution To(PriceEntry entry) => new(entry, null);

    public static Resolution None(string reason) => new(null, reason);
}
