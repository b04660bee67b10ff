namespace LlmCostCache.AI;

/// <summary>What is assumed about a call that was not made yet.</summary>
public sealed record EstimateOptions
{
    /// <summary>The provider, as the client or the user names it; null when not known.</summary>
    public string? Provider { get; init; }

    /// <summary>When the call would be made; null is now.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>When the price must have been known; null is now.</summary>
    public DateTimeOffset? KnownAt { get; init; }

    /// <summary>The service tier: <c>standard</c>, <c>batch</c>, <c>flex</c>, <c>priority</c>; null is standard.</summary>
    public string? ServiceTier { get; init; }

    /// <summary>How many tokens the answer is expected to have, reasoning included.</summary>
    /// <value>500. Zero or more.</value>
    public long ExpectedOutputTokens { get; init; } = 500;

    /// <summary>How many tokens the answer can have at most; the upper end of the estimate. Null takes <c>ChatOptions.MaxOutputTokens</c>, else what is expected.</summary>
    public long? MaxOutputTokens { get; init; }

    /// <summary>How many input tokens the provider is expected to read from its prompt cache; never more than there are.</summary>
    /// <value>Zero, or <see cref="CachedShare"/> of the input when that is set.</value>
    public long CachedInputTokens { get; init; }

    /// <summary>The share of the input that the provider is expected to read from its prompt cache, from 0 to 1.</summary>
    /// <value>Null: <see cref="CachedInputTokens"/> holds.</value>
    public decimal? CachedShare { get; init; }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ExpectedOutputTokens);
        ArgumentOutOfRangeException.ThrowIfNegative(CachedInputTokens);
        if (MaxOutputTokens is <= 0)
        {
            throw new ArgumentOutOfRangeException(nameof(MaxOutputTokens), MaxOutputTokens, "An answer of at most no tokens is no call; leave the limit out.");
        }

        if (CachedShare is < 0m or > 1m)
        {
            throw new ArgumentOutOfRangeException(nameof(CachedShare), CachedShare, "A share is from 0 to 1.");
        }
    }
}
