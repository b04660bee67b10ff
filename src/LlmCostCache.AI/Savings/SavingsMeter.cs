namespace LlmCostCache.AI;

/// <summary>
/// Says what a hit saved: what the same call would have cost at that moment. Had there been no cache of ours, the prompt would have been sent every time it was asked
/// for, and the provider's own prompt cache would often have made it cheaper; so the discount is taken off. Where a fact is not known, the smaller saving is taken.
/// </summary>
internal sealed class SavingsMeter(PriceBook prices)
{
    private static readonly TimeSpan s_shortWrite = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_longWrite = TimeSpan.FromHours(1);

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
            answer.Worth.Avoided = avoided = WorkOut(answer, client, now);
        }

        return (avoided.After(TimeSpan.FromTicks(now.UtcTicks - lastAsked)), avoided);
    }

    private AvoidedCost WorkOut(StoredAnswer answer, ClientIdentity client, DateTimeOffset now)
    {
        var purchase = answer.Purchase ?? new Purchase { Provider = client.ProviderName, Host = client.Host, Model = answer.ResponseModel ?? answer.Model, IsVague = true };
        var fact = prices.FactOf(purchase.Provider, purchase.Model, now, purchase.Host);
        var rule = PromptCaches.Instance.RuleFor(fact.Entry?.Provider ?? purchase.Provider, fact.Entry?.Id ?? purchase.Model);
        var original = answer.Original;
        var readable = answer.Vector is null ? rule.ReadableOf(original.Usage.TotalInputTokens) : 0;
        var quote = new Quote(prices, purchase, now);
        var cold = AmountOf(original.Usage);
        (TimeSpan Within, Money Amount)[] warm = cold is null ? [] : [.. Lifetimes().Distinct().Order().Select(within => (within, Money.Min(cold.Value, AmountOf(UsageBefore(within)) ?? Money.Zero)))];
        if (cold is null && purchase.IsProviderCost && original.Certainty == CostCertainty.Known)
        {
            // Only the provider knows the price: what it took is what it would take again, unless some unknown part had come from its prompt cache.
            cold = original.Low;
            warm = readable > 0 ? [(rule.Lifetime, Money.Zero)] : [];
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

        IEnumerable<TimeSpan> Lifetimes()
        {
            if (original.Usage.CacheWrite5mTokens > 0)
            {
                yield return s_shortWrite;
            }

            if (original.Usage.CacheWrite1hTokens > 0)
            {
                yield return s_longWrite;
            }

            if (readable > 0)
            {
                yield return rule.Lifetime;
            }
        }

        // What would be used by a call that comes a moment before a lifetime ends: everything that lives that long is still there.
        TokenUsage UsageBefore(TimeSpan end)
        {
            var usage = original.Usage;
            var (shortWrite, longWrite) = (end <= s_shortWrite ? usage.CacheWrite5mTokens : 0, end <= s_longWrite ? usage.CacheWrite1hTokens : 0);
            usage = usage with
            {
                CachedInputTokens = usage.CachedInputTokens + shortWrite + longWrite,
                CacheWrite5mTokens = usage.CacheWrite5mTokens - shortWrite,
                CacheWrite1hTokens = usage.CacheWrite1hTokens - longWrite,
            };
            return readable > 0 && end <= rule.Lifetime ? Read(usage, readable) : usage;
        }

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

    /// <summary>The usage of a prompt of which so many tokens are read from the provider's cache. What was read or written when it was bought is read in any case.</summary>
    private static TokenUsage Read(TokenUsage usage, long readable)
    {
        var rest = Math.Min(usage.UncachedInputTokens, usage.TotalInputTokens - readable);
        return usage with
        {
            UncachedInputTokens = rest,
            CachedInputTokens = usage.CachedInputTokens + usage.UncachedInputTokens - rest + usage.CacheWrite5mTokens + usage.CacheWrite1hTokens,
            CacheWrite5mTokens = 0,
            CacheWrite1hTokens = 0,
            InputAudioTokens = 0,
            CachedAudioTokens = usage.CachedAudioTokens + usage.InputAudioTokens,
            InputImageTokens = 0,
            CachedImageTokens = usage.CachedImageTokens + usage.InputImageTokens,
        };
    }

    /// <summary>Prices of one call on one day.</summary>
    private sealed class Quote(PriceBook prices, Purchase purchase, DateTimeOffset at)
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
                amount = Least(amount.Value, WithoutPromptCache(usage));
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

    /// <summary>The same prompt, read anew.</summary>
    internal static TokenUsage WithoutPromptCache(TokenUsage usage) => usage with
    {
        UncachedInputTokens = usage.UncachedInputTokens + usage.CachedInputTokens + usage.CacheWrite5mTokens + usage.CacheWrite1hTokens,
        CachedInputTokens = 0,
        CacheWrite5mTokens = 0,
        CacheWrite1hTokens = 0,
        InputAudioTokens = usage.InputAudioTokens + usage.CachedAudioTokens,
        CachedAudioTokens = 0,
        InputImageTokens = usage.InputImageTokens + usage.CachedImageTokens,
        CachedImageTokens = 0,
    };
}
