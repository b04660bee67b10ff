namespace LlmCostCache.AI;

/// <summary>The entry that a reported name means, or the reason why there is none.</summary>
internal sealed record Resolution(PriceEntry? Entry, string? Reason)
{
    /// <summary>The place of the override that the entry is from; null when it is from the built-in book.</summary>
    public int? Layer { get; init; }

    public static Resolution To(PriceEntry entry) => new(entry, null);

    public static Resolution None(string reason) => new(null, reason);
}
