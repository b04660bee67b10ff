namespace LlmCostCache.AI;

/// <summary>What one response cost: the sum over every attempt that is inside it.</summary>
public sealed record CallCost
{
    /// <summary>A cost of which nothing is known.</summary>
    public static CallCost Unknown { get; } = new() { Certainty = CostCertainty.Unknown, High = Money.MaxValue };

    /// <summary>The cost as it is booked: exact when known, the upper end when bounded, null only when <see cref="Certainty"/> is <see cref="CostCertainty.Unknown"/>.</summary>
    public Money? Amount { get; init; }

    /// <summary>How well the cost is known.</summary>
    public CostCertainty Certainty { get; init; }

    /// <summary>At least this much was spent.</summary>
    public Money Low { get; init; }

    /// <summary>At most this much was spent; <see cref="Money.MaxValue"/> when <see cref="Certainty"/> is <see cref="CostCertainty.Unknown"/>.</summary>
    public Money High { get; init; }

    /// <summary>What was saved, in net: on a hit, what the call would have cost at that moment, less the discount for a prompt that the provider's own prompt cache
    /// would still have had. Below zero where a cache spent more than it saved.</summary>
    public Money Saved { get; init; }

    /// <summary>The cache layer that answered; <see cref="CacheLayer.None"/> when a provider did.</summary>
    public CacheLayer CacheLayer { get; init; }

    /// <summary>What was used, in buckets that do not overlap. On a cache hit: what the stored answer had used when it was bought.</summary>
    public TokenUsage Usage { get; init; } = TokenUsage.None;

    /// <summary>The price revision that the cost was computed with, or null when there was none or several differ.</summary>
    public string? PriceRevision { get; init; }

    /// <summary>Why the cost is bounded or unknown, why the answer was served from the cache although it had expired, or what a budget changed; null when there is nothing to say.</summary>
    public string? Reason { get; init; }

    /// <summary>Why the response cache was neither asked nor filled, or why the answer was not stored; null when it was stored, came from the cache, or no cache
    /// was in the way.</summary>
    public string? CacheBypassReason { get; init; }

    /// <summary>A cost that is exactly known.</summary>
    public static CallCost Known(Money amount) => new() { Certainty = CostCertainty.Known, Amount = amount, Low = amount, High = amount };

    /// <summary>A cost between two ends; the upper one is booked.</summary>
    /// <exception cref="ArgumentException"><paramref name="low"/> is above <paramref name="high"/>.</exception>
    public static CallCost Between(Money low, Money high, string? reason = null)
    {
        if (low > high)
        {
            throw new ArgumentException($"The lower end {low} is above the upper end {high}.", nameof(low));
        }

        return new() { Certainty = CostCertainty.Bounded, Amount = high, Low = low, High = high, Reason = reason };
    }

    /// <summary>A cost that cannot be named, with the reason.</summary>
    public static CallCost Unpriced(string reason) => Unknown with { Reason = reason };

    /// <summary>Adds the cost of two calls. One unknown makes the sum unknown; its <see cref="Low"/> still adds up what is known.</summary>
    /// <exception cref="OverflowException">The sum does not fit.</exception>
    public static CallCost operator +(CallCost left, CallCost right) => Add(left, right);

    /// <summary>Adds the cost of two calls. One unknown makes the sum unknown; its <see cref="Low"/> still adds up what is known.</summary>
    /// <exception cref="OverflowException">The sum does not fit.</exception>
    public static CallCost Add(CallCost left, CallCost right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        var certainty = (CostCertainty)Math.Max((int)left.Certainty, (int)right.Certainty);
        var unknown = certainty == CostCertainty.Unknown;
        return new CallCost
        {
            Certainty = certainty,
            Amount = unknown ? null : left.Amount + right.Amount,
            Low = left.Low + right.Low,
            High = unknown ? Money.MaxValue : left.High + right.High,
            Saved = left.Saved + right.Saved,
            CacheLayer = left.CacheLayer == right.CacheLayer ? left.CacheLayer : CacheLayer.None,
            Usage = left.Usage + right.Usage,
            PriceRevision = left.PriceRevision == right.PriceRevision ? left.PriceRevision : null,
            Reason = Both(left.Reason, right.Reason),
            CacheBypassReason = Both(left.CacheBypassReason, right.CacheBypassReason),
        };
    }

    private static string? Both(string? left, string? right) => left is null || left == right ? right : right is null ? left : $"{left}; {right}";
}
