namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>
/// Prices a bucket that stands for many requests. Where a price depends on the length of a prompt, their sum would look like one long prompt; what the requests cost lies
/// between that and the price of many short ones, and is known where both are the same or the report says how long they were.
/// </summary>
internal sealed class AggregatedPricing(AttemptPricing pricing)
{
    public UsageRecord Price(UsageRecord record, PromptSizes prompts)
    {
        var whole = pricing.Price(record, record.Cost.Usage, record.ServiceTier, host: null);
        if (whole.Cost.Certainty == CostCertainty.Unknown || record.Cost.Usage.TotalInputTokens <= ShortPrompts.MaxTokens || prompts == PromptSizes.Large)
        {
            return whole;
        }

        if (InShortPrompts(record) is not { } native)
        {
            return whole;
        }

        var low = Money.FromUsd(native / (whole.FxRate ?? 1m));
        if (low >= whole.Cost.Low && whole.Cost.Certainty == CostCertainty.Known)
        {
            return whole;
        }

        return prompts == PromptSizes.Small
            ? whole with { NativeCost = native, Cost = whole.Cost with { Certainty = CostCertainty.Known, Amount = low, Low = low, High = low } }
            : whole with
            {
                Cost = CallCost.Between(Money.Min(low, whole.Cost.Low), whole.Cost.High, "the report adds up requests of unknown length, and long prompts cost more") with
                {
                    Usage = whole.Cost.Usage,
                    PriceRevision = whole.Cost.PriceRevision,
                },
            };
    }

    private decimal? InShortPrompts(UsageRecord record) => ShortPrompts.Of(record.Cost.Usage).Aggregate(
        (decimal?)0m, (sum, piece) => sum + pricing.Price(record, piece.Usage, record.ServiceTier, host: null).NativeCost * piece.Times);
}
