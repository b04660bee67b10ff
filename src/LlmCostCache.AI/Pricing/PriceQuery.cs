namespace LlmCostCache.AI;

/// <summary>What is to be priced.</summary>
public sealed record PriceQuery
{
    /// <summary>The provider, as the client or the user names it; null when not known.</summary>
    public string? Provider { get; init; }

    /// <summary>The host of the provider's endpoint; tells vendors apart that speak another's protocol (DeepSeek over the OpenAI client).</summary>
    public string? Host { get; init; }

    /// <summary>The id of the model that answered.</summary>
    public required string? Model { get; init; }

    /// <summary>When the call was made; decides which dated price holds.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Prices only by what the book knew at that instant (its day in UTC, included): what it learned later takes no part.</summary>
    /// <value>Null: all that the book knows now.</value>
    public DateTimeOffset? KnownAt { get; init; }

    /// <summary>The service tier the request was served in: <c>standard</c> or <c>default</c>, <c>batch</c>, <c>flex</c>, <c>priority</c>; null is standard.</summary>
    public string? ServiceTier { get; init; }

    /// <summary>
    /// How many requests to the model went before in the calendar month (UTC), for prices with steps by volume. Null when not known: such a price is then
    /// bounded between its cheapest and its dearest step.
    /// </summary>
    public long? RequestsBefore { get; init; }

    /// <summary>
    /// The provider's geography that served the request, as it names it (Anthropic's <c>inference_geo</c>: <c>us</c>); null when not known. Some charge a premium for one;
    /// one without a listed premium, <c>global</c> and <c>not_available</c> cost the standard rates. OpenAI's regional hosts say it by themselves.
    /// </summary>
    public string? Region { get; init; }

    /// <summary>What was used.</summary>
    public required TokenUsage Usage { get; init; }
}
