namespace LlmCostCache.AI;

/// <summary>What the hits of one stored answer cost and saved, with the text that travels with each of them: both are the same for one hit after the other.</summary>
internal sealed class ServedCost(CallCost cost)
{
    private string? _text;

    public CallCost Cost => cost;

    public string Text => _text ??= CostCarrier.Write(cost);

    public bool Says(Money saved, CacheLayer layer, string? priceRevision, string? reason) =>
        cost.Saved == saved && cost.CacheLayer == layer && cost.PriceRevision == priceRevision && cost.Reason == reason;
}
