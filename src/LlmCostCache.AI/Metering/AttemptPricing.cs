using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>What an attempt cost: from the usage that was reported, from what it leaves open, or from the lengths of question and answer when there is none.</summary>
internal sealed class AttemptPricing(LlmCostsOptions options, PriceBook prices, ILogger logger)
{
    /// <summary>What a provider may have produced beyond what was received when a stream is cut.</summary>
    public const int TokensInFlight = 1_024;

    private const int MaxKnownPairs = 1_000;

    private readonly ConcurrentDictionary<(string Asked, string Answered), bool> _dearerModels = new();

    /// <summary>What the reported usage costs: known, or between the ends of what it leaves open.</summary>
    public UsageRecord Priced(MeteredAttempt attempt, UsageRecord record, NormalizedUsage normalized, AnswerFacts facts, string? tier)
    {
        var (usage, flags) = normalized;
        if (UsageFlags.Has(flags, UsageFlags.Clamped))
        {
            Log.UsageClamped(logger, record.Model ?? "", record.Provider ?? "");
        }

        record = Price(record, usage, tier, attempt.Client.Host) with { Flags = attempt.IsAggregated ? UsageFlags.Add(flags, UsageFlags.Aggregated) : flags };
        if (normalized.Doubts != UsageDoubts.None)
        {
            record = Doubtful(attempt, record, normalized, facts, tier);
        }

        if (attempt.IsAggregated && record.Cost.Certainty == CostCertainty.Known)
        {
            // Several requests in one row may together cross a price tier that none of them crossed: the cheapest reading is many small requests.
            var low = PriceOfParts(record, usage, tier, attempt.Client.Host);
            var high = record.Cost.High;
            record = record with
            {
                Cost = low is { } end && end < high
                    ? CallCost.Between(end, high, "Several requests were counted as one, because the meter is outside function invocation") with { Usage = usage, PriceRevision = record.Cost.PriceRevision }
                    : record.Cost,
            };
        }

        record = Compared(attempt, record, tier);
        return normalized.ProviderCost is { } dollars && options.ProviderCosts != ProviderCostPolicy.Ignore ? AsReported(attempt, record, dollars) : record;
    }

    // Between the cheapest and the dearest of what the usage may mean; known after all when the price makes no difference between them.
    private UsageRecord Doubtful(MeteredAttempt attempt, UsageRecord record, NormalizedUsage normalized, AnswerFacts facts, string? tier)
    {
        var doubts = tier is null ? normalized.Doubts : normalized.Doubts & ~UsageDoubts.ServiceTier;
        if (doubts == UsageDoubts.None || record.Cost.Certainty == CostCertainty.Unknown)
        {
            return record;
        }

        var known = prices.Find(attempt.Client.ProviderName, record.Model, attempt.At, attempt.Client.Host);
        var mostInput = doubts.HasFlag(UsageDoubts.Input) ? MostInput(attempt, known, record.Model) : 0;
        var mostOutput = doubts.HasFlag(UsageDoubts.Output) ? MostOutput(attempt, facts, known, record.Model) : 0;
        if (mostInput is null || mostOutput is null)
        {
            return record with { Cost = CallCost.Unpriced(UsageReadings.Reason(doubts)) with { Usage = normalized.Usage } };
        }

        var (low, high) = EndsOf(record, UsageReadings.Of(normalized.Usage, doubts, normalized.UnnamedTokens, mostInput.Value, mostOutput.Value), doubts, tier, attempt.Client.Host);
        return low.Cost.Low == high.Cost.High ? record : high with
        {
            Cost = CallCost.Between(low.Cost.Low, high.Cost.High, UsageReadings.Reason(doubts)) with { Usage = high.Cost.Usage, PriceRevision = high.Cost.PriceRevision },
        };
    }

    // The cheapest and the dearest of what a usage may mean; the first reading where none has a price.
    private (UsageRecord Low, UsageRecord High) EndsOf(UsageRecord record, IReadOnlyList<TokenUsage> readings, UsageDoubts doubts, string? tier, string? host)
    {
        var first = Price(record, readings[0], tier, host);
        var (low, high) = (first, first);
        foreach (var reading in readings)
        {
            foreach (var inTier in doubts.HasFlag(UsageDoubts.ServiceTier) ? (ReadOnlySpan<string?>)[tier, "priority"] : [tier])
            {
                var priced = Price(record, reading, inTier, host);
                low = priced.Cost.Certainty != CostCertainty.Unknown && priced.Cost.Low < low.Cost.Low ? priced : low;
                high = priced.Cost.Certainty != CostCertainty.Unknown && priced.Cost.High > high.Cost.High ? priced : high;
            }
        }

        return (low, high);
    }

    // The answering model decides the price. That it is dearer than the one that was asked is worth a word: an alias moved, or a router chose.
    private UsageRecord Compared(MeteredAttempt attempt, UsageRecord record, string? tier)
    {
        if (record.RequestedModel is not { } asked || record.Model is not { } answered || record.Cost.Certainty == CostCertainty.Unknown
            || string.Equals(asked, answered, StringComparison.OrdinalIgnoreCase)
            || record.ModelKey is not { } askedKey || prices.Find(attempt.Client.ProviderName, answered, attempt.At, attempt.Client.Host)?.Model is not { } key || key == askedKey)
        {
            return record;
        }

        var cost = Price(record with { Model = asked }, record.Cost.Usage, tier, attempt.Client.Host).Cost;
        if (cost.Certainty == CostCertainty.Unknown || cost.High >= record.Cost.High)
        {
            return record;
        }

        if (_dearerModels.Count < MaxKnownPairs && _dearerModels.TryAdd((asked, answered), true))
        {
            Log.DearerModelAnswered(logger, asked, answered);
        }

        return record with { Flags = UsageFlags.Add(record.Flags, UsageFlags.DearerModel) };
    }

    private UsageRecord AsReported(MeteredAttempt attempt, UsageRecord record, decimal dollars)
    {
        var own = record.Cost;
        var reported = Money.FromUsd(dollars);
        if (reported == Money.Zero)
        {
            return record;
        }

        if (own.Certainty != CostCertainty.Unknown && (reported < own.Low || reported > own.High)
            && ProviderCost.Differ(dollars, own.Low.Usd) && ProviderCost.Differ(dollars, own.High.Usd))
        {
            record = record with { Flags = UsageFlags.Add(record.Flags, UsageFlags.ProviderCostDiffers) };
        }

        return !ProviderCost.IsTaken(own, dollars, attempt.Client, options.ProviderCosts, attempt.Hold is { IsEnforced: true }) ? record : record with
        {
            Flags = UsageFlags.Add(record.Flags, UsageFlags.ProviderCost),
            Cost = CallCost.Known(reported) with { Usage = own.Usage, Reason = ProviderCost.Reason },
            Currency = "USD",
            NativeCost = dollars,
            FxRate = null,
            FxDate = null,
        };
    }

    /// <summary>Bounds the cost of an answer without usage by the length of question and answer.</summary>
    public UsageRecord Estimated(MeteredAttempt attempt, UsageRecord record, AnswerFacts facts, string? tier)
    {
        var size = attempt.Size;
        var known = prices.Find(attempt.Client.ProviderName, record.Model, attempt.At, attempt.Client.Host);
        var partial = facts.PartialUsage?.Usage;
        var doubts = facts.PartialUsage?.Doubts ?? UsageDoubts.None;
        doubts = tier is null ? doubts : doubts & ~UsageDoubts.ServiceTier;
        var mostInput = partial is not null && !doubts.HasFlag(UsageDoubts.Input) ? 0 : MostInput(attempt, known, record.Model);
        var mostOutput = MostOutput(attempt, facts, known, record.Model);
        var least = partial is not null
            ? partial with { OutputTokens = Math.Max(partial.OutputTokens, InputMeasure.AtLeast(facts.OutputBytes)) }
            : new TokenUsage { CachedInputTokens = InputMeasure.AtLeast(size.Bytes), OutputTokens = InputMeasure.AtLeast(facts.OutputBytes), Requests = 1 };
        var why = facts.IsCutAtHold ? "The provider went on beyond the limit that was held for its answer, and the stream was cut; the cost is estimated from its length"
            : facts.IsUnderWay ? "The answer is still under way; its cost is bounded by its limit"
            : facts.IsIncomplete ? "The answer was cut; its cost is estimated from its length" : "The provider reported no usage; the cost is estimated from the length of question and answer";
        var flags = facts.IsCutAtHold ? UsageFlags.Add(UsageFlags.NoUsage, UsageFlags.CutAtHold) : UsageFlags.NoUsage;
        flags = attempt.IsAggregated ? UsageFlags.Add(flags, UsageFlags.Aggregated) : flags;
        var (low, _) = EndsOf(record, UsageReadings.Of(least, doubts, 0, 0, 0), doubts, tier, attempt.Client.Host);
        if (mostInput is null || mostOutput is null || low.Cost.Certainty == CostCertainty.Unknown)
        {
            var reason = mostInput is null ? $"{why}, which {size.Unbounded} makes impossible"
                : mostOutput is null ? $"{why}, and how much '{record.Model}' reasoned without showing it cannot be bounded"
                : low.Cost.Reason ?? why;
            return low with { UsageSource = "estimate", Flags = flags, Cost = CallCost.Unpriced(reason) with { Usage = least } };
        }

        var most = partial is not null
            ? partial with { OutputTokens = Math.Max(partial.OutputTokens, mostOutput.Value) }
            : new TokenUsage { UncachedInputTokens = mostInput.Value, OutputTokens = mostOutput.Value, Requests = 1 };

        // Nobody said how much of the input was written to the provider's cache, and of the output reasoned, and either may be dearer.
        doubts |= (partial is null ? UsageDoubts.InputParts : UsageDoubts.None) | (MayHaveReasoned(facts, record.Model) ? UsageDoubts.OutputParts : UsageDoubts.None);
        var (_, high) = EndsOf(record, UsageReadings.Of(most, doubts, facts.PartialUsage?.UnnamedTokens ?? 0, mostInput.Value, mostOutput.Value), doubts, tier, attempt.Client.Host);
        var upper = high.Cost.Certainty == CostCertainty.Unknown ? low.Cost.High : high.Cost.High;

        // A free model is free whatever its counts are.
        var cost = upper == Money.Zero ? CallCost.Known(Money.Zero) : CallCost.Between(Money.Min(low.Cost.Low, upper), upper, why);
        return high with { UsageSource = "estimate", Flags = flags, Cost = cost with { Usage = most, PriceRevision = high.Cost.PriceRevision } };
    }

    private long? MostInput(MeteredAttempt attempt, ModelFacts? known, string? model)
    {
        var size = attempt.Size;
        return size.Unbounded is not null ? known?.ContextWindow
            : Math.Min(size.TokenBound, prices.LongestInput(attempt.Client.ProviderName, model, attempt.At, attempt.Client.Host) * size.Texts ?? long.MaxValue);
    }

    // What was received bounds what was produced, except where a model reasons out of sight: then only the answer's limit does. Null when there is none.
    private static long? MostOutput(MeteredAttempt attempt, AnswerFacts facts, ModelFacts? known, string? model)
    {
        var choices = attempt.Size.Choices;
        var limit = (attempt.MaxOutputTokens is > 0 ? (long?)attempt.MaxOutputTokens : known?.MaxOutputTokens) * choices;
        if (facts.IsCutAtHold || IsLonger(facts, limit))
        {
            // A limit that the provider does not keep bounds nothing. The model's own may.
            limit = IsLonger(facts, known?.MaxOutputTokens * choices) ? null : known?.MaxOutputTokens * choices;
        }

        if (facts.IsUnderWay || MayBeLonger(attempt, facts, model))
        {
            return limit ?? known?.ContextWindow * choices;
        }

        return Math.Min(facts.OutputBytes + (facts.IsIncomplete ? TokensInFlight : 0), limit ?? long.MaxValue);
    }

    /// <summary>The longest answer that may be held for an attempt, all choices together; null when nothing bounds it.</summary>
    public long? LimitOf(MeteredAttempt attempt)
    {
        if (attempt.MaxOutputTokens is > 0)
        {
            return (long)attempt.MaxOutputTokens * attempt.Size.Choices;
        }

        var known = prices.Find(attempt.Client.ProviderName, attempt.RequestedModel, attempt.At, attempt.Client.Host);
        return (known?.MaxOutputTokens ?? known?.ContextWindow) * attempt.Size.Choices;
    }

    /// <summary>Whether the answer is certainly longer than the limit that was sent. Reasoning does not count: some providers leave it out of the limit on purpose.</summary>
    public static bool HasBrokenLimit(MeteredAttempt attempt, AnswerFacts facts)
    {
        if (attempt.IsAggregated || attempt.MaxOutputTokens is not > 0)
        {
            return false;
        }

        var limit = attempt.MaxOutputTokens.Value;
        var least = facts.Usage is { } usage ? usage.Usage.OutputTokens : facts.OutputBytes > limit ? facts.LeastOutput?.Invoke() ?? 0 : 0;

        // The choices are looked up last: that measures the whole question.
        return least > limit && least > (long)limit * attempt.Size.Choices;
    }

    private static bool IsLonger(AnswerFacts facts, long? limit) => facts.OutputBytes > limit && facts.LeastOutput?.Invoke() > limit;

    /// <summary>Whether the answer may have cost more output than can be seen: adapters hand on the first of several answers.</summary>
    public static bool MayBeLonger(MeteredAttempt attempt, AnswerFacts facts, string? model) => MayHaveReasoned(facts, model) || attempt.Size.Choices > 1;

    private static bool MayHaveReasoned(AnswerFacts facts, string? model) =>
        facts.HasReasoning || facts.PartialUsage?.Usage.ReasoningTokens > 0 || HiddenReasoning.IsPossible(model);

    /// <summary>Puts the price of a usage into a row.</summary>
    public UsageRecord Price(UsageRecord record, TokenUsage usage, string? tier, string? host)
    {
        var priced = prices.Price(new PriceQuery
        {
            Provider = record.Provider,
            Host = host,
            Model = record.Model,
            At = record.At,
            ServiceTier = tier,
            Region = record.Region,
            RequestsBefore = record.RequestsBefore,
            Usage = usage,
        });
        return record with
        {
            Region = record.Region ?? priced.Region,
            Provider = record.Provider ?? priced.Provider,
            Cost = priced.Cost with { Usage = usage, Saved = record.Cost.Saved, CacheLayer = record.Cost.CacheLayer },
            Currency = priced.Currency,
            NativeCost = priced.NativeCost,
            FxRate = priced.FxRate,
            FxDate = priced.FxDate,
        };
    }

    private Money? PriceOfParts(UsageRecord record, TokenUsage usage, string? tier, string? host)
    {
        // As many requests as function invocation makes at most by default.
        const int Parts = 40;
        Span<long> buckets = stackalloc long[TokenBuckets.Count];
        TokenBuckets.Write(usage, buckets);
        foreach (ref var count in buckets)
        {
            count /= Parts;
        }

        var part = TokenBuckets.Read(buckets);
        var cost = Price(record, part, tier, host).Cost;
        return cost.Amount is { } amount ? amount * Parts : null;
    }

    /// <summary>The most that an attempt without an outcome can have cost; null when that is not known. Never throws: the caller is to see the provider's failure, not one of counting.</summary>
    public Money? TryMostOf(MeteredAttempt attempt)
    {
        try
        {
            return MostOf(attempt);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return null;
        }
    }

    /// <summary>What is missing when <see cref="TryMostOf"/> has no answer.</summary>
    public string WhyUnbounded(MeteredAttempt attempt)
    {
        try
        {
            var isPriced = prices.FactOf(attempt.Client.ProviderName, attempt.RequestedModel, attempt.At, attempt.Client.Host).Price is not null;
            return isPriced ? $"the most that a call to '{attempt.RequestedModel}' can cost: give its limits with options.Prices, or set MaxOutputTokens" : $"the price of '{attempt.RequestedModel}'";
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return "what it can have cost";
        }
    }

    private Money? MostOf(MeteredAttempt attempt)
    {
        var output = attempt.HasOutput ? LimitOf(attempt) : 0;
        if (output is not null && attempt.Hold is { Reserved: var reserved } && reserved > Money.Zero)
        {
            return reserved;
        }

        var size = attempt.Size;
        var known = prices.Find(attempt.Client.ProviderName, attempt.RequestedModel, attempt.At, attempt.Client.Host);
        var input = size.Unbounded is null ? size.TokenBound : known?.ContextWindow;
        if (input is not null && output is not null)
        {
            return Ceiling(input.Value, output.Value);
        }

        // What is free is free however long it was.
        return Ceiling(1_000_000, attempt.HasOutput ? 1_000_000 : 0) == Money.Zero ? Money.Zero : null;

        Money? Ceiling(long inputTokens, long outputTokens) =>
            prices.Ceiling(attempt.Client.ProviderName, attempt.RequestedModel, attempt.At, inputTokens, outputTokens, attempt.Client.Host, attempt.ServiceTier, size.WebSearches * size.Choices);
    }
}
