namespace LlmCostCache.AI;

/// <summary>
/// Says what a hit saved: what the same call would have cost at that moment. Had there been no cache of ours, the prompt would have been sent every time it was asked
/// for, and the provider's own prompt cache would often have made it cheaper; so the discount is taken off. Where a fact is not known, the smaller saving is taken.
/// </summary>
internal sealed class SavingsMeter(PriceBook prices)
{
    private readonly AskTimes _askTimes = new();

    /// <summary>What a hit saved. It counts as the last time its question was asked, so the next one may save less.</summary>
    /// <param name="key">The question.</param>
    /// <param name="answer">The answer that is served.</param>
    /// <param name="client">Who would have been asked; stands in for terms that nobody saw when the answer was bought.</param>
    /// <param name="now">The time of the hit.</param>
    public (Money Amount, AvoidedCost Avoided) Of(CacheKey key, StoredAnswer answer, ClientIdentity client, DateTimeOffset now)
    {
        var lastAsked = Math.Max(answer.StoredAt.UtcTicks, Math.Max(answer.Worth.Ask(now), _askTimes.Ask(key, now)));
        var avoided = answer.Worth.Avoided;
        if (avoided is null || !avoided.HoldsAt(now))
        {
            answer.Worth.Avoided = avoided = TryWorkOut(answer, client, now);
        }

        return (avoided.After(TimeSpan.FromTicks(now.UtcTicks - lastAsked)), avoided);
    }

    // An answer may come from a file that somebody forged; a hit never fails because of what it saved.
    private AvoidedCost TryWorkOut(StoredAnswer answer, ClientIdentity client, DateTimeOffset now)
    {
        try
        {
            return WorkOut(answer, client, now);
        }
        catch (Exception exception) when (exception is OverflowException or ArgumentException)
        {
            return new AvoidedCost { ValidFrom = now, ValidUntil = now.AddDays(1), Cold = Money.Zero, Warm = [], Reason = "Nothing is counted as saved: the counts are too large" };
        }
    }

    private AvoidedCost WorkOut(StoredAnswer answer, ClientIdentity client, DateTimeOffset now)
    {
        var purchase = answer.Purchase ?? new Purchase { Provider = client.ProviderName, Host = client.Host, Model = answer.ResponseModel ?? answer.Model, IsVague = true };
        var fact = prices.FactOf(purchase.Provider, purchase.Model, now, purchase.Host);
        var rule = PromptCaches.Instance.RuleFor(fact.Entry?.Provider ?? purchase.Provider, fact.Entry?.Id ?? purchase.Model);
        var original = answer.Original;
        var prompt = new RepeatedPrompt(original.Usage, answer.Vector is null ? rule : null);
        var quote = new CallQuote(prices, purchase, now);
        var cold = AmountOf(original.Usage);
        (TimeSpan Within, Money Amount)[] warm = cold is null ? []
            : [.. prompt.Lifetimes().Select(within => (within, Money.Min(cold.Value, AmountOf(prompt.UsageBefore(within)) ?? Money.Zero)))];
        if (cold is null && purchase.IsProviderCost && original.Certainty == CostCertainty.Known)
        {
            // Only the provider knows the price: what it took is what it would take again, unless some unknown part had come from its prompt cache.
            cold = original.Low;
            warm = prompt.Readable > 0 ? [(rule.Lifetime, Money.Zero)] : [];
        }

        var day = new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero);
        var minute = new DateTimeOffset(now.UtcTicks - (now.UtcTicks % TimeSpan.TicksPerMinute), TimeSpan.Zero);
        var hasHours = fact.Price?.Windows.Count > 0;
        return new AvoidedCost
        {
            ValidFrom = hasHours ? minute : day,
            ValidUntil = hasHours ? minute.AddMinutes(1) : day.AddDays(1),
            Cold = cold ?? Money.Zero,
            Warm = warm,
            PriceRevision = quote.Revision ?? original.PriceRevision,
            Reason = cold is null ? $"Nothing is counted as saved: {quote.WhyNot ?? original.Reason ?? "what the answer cost is not known"}" : null,
        };

        Money? AmountOf(TokenUsage usage)
        {
            if (original.Certainty == CostCertainty.Unknown && purchase.IsVague)
            {
                return null;
            }

            if (usage == TokenUsage.None)
            {
                // An embedding's share, or an answer whose counts nobody knows.
                return original.Certainty == CostCertainty.Unknown ? null : original.Low;
            }

            if (quote.Of(usage) is not { } amount)
            {
                return null;
            }

            // A share of a request is known more finely in money than in tokens, as long as the price has not changed.
            if (answer.Vector is not null && quote.Revision == original.PriceRevision)
            {
                amount = original.Low;
            }

            var isCeiling = original.Certainty == CostCertainty.Bounded || (original.Certainty == CostCertainty.Known && (purchase.IsProviderCost || purchase.IsVague));
            return isCeiling ? Money.Min(amount, original.Low) : amount;
        }
    }
}
