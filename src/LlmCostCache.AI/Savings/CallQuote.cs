namespace LlmCostCache.AI;

/// <summary>Prices of one call at one time.</summary>
internal sealed class CallQuote(PriceBook prices, Purchase purchase, DateTimeOffset at)
{
    public string? Revision { get; private set; }

    public string? WhyNot { get; private set; }

    /// <summary>
    /// The price of a usage, but never more than without any prompt caching: a premium for writing to the provider's cache buys later reads, and nobody knows
    /// whether those would have come.
    /// </summary>
    public Money? Of(TokenUsage usage)
    {
        var written = usage.CacheWrite5mTokens + usage.CacheWrite1hTokens;
        var amount = Price(usage);
        if (amount is not null && written > 0)
        {
            amount = Least(amount.Value, usage with { UncachedInputTokens = usage.UncachedInputTokens + written, CacheWrite5mTokens = 0, CacheWrite1hTokens = 0 });
        }

        if (amount is not null && usage.CachedInputTokens + usage.CachedAudioTokens + usage.CachedImageTokens > 0)
        {
            amount = Least(amount.Value, RepeatedPrompt.ReadAnew(usage));
        }

        return amount;
    }

    private Money Least(Money amount, TokenUsage other) => Price(other) is { } price ? Money.Min(amount, price) : amount;

    private Money? Price(TokenUsage usage)
    {
        var cost = prices.Price(new PriceQuery
        {
            Provider = purchase.Provider,
            Host = purchase.Host,
            Model = purchase.Model,
            At = at,
            ServiceTier = purchase.ServiceTier,
            Region = purchase.Region,
            Usage = usage,
        }).Cost;
        if (cost.Certainty == CostCertainty.Unknown)
        {
            WhyNot ??= cost.Reason;
            return null;
        }

        Revision ??= cost.PriceRevision;
        return cost.Low;
    }
}
