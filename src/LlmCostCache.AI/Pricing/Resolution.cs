namespace LlmCostCache.AI;

/// <summary>The entry that a reported name means, or the reason why there is none.</summary>
internal sealed record Resolution(PriceEntry? Entry, string? Reason)
{
    public static Resolution To(PriceEntry entry) => new(entry, null);

    public static Resolution None(string reason) => new(null, reason);
}
