namespace LlmCostCache.AI;

/// <summary>What a <see cref="RateLimit"/> counts.</summary>
public enum RateLimitUnit
{
    /// <summary>Requests to the provider.</summary>
    Requests,

    /// <summary>Tokens, input and output together: estimated before a request is sent, corrected when its usage is known.</summary>
    Tokens,

    /// <summary>Dollars: estimated before a request is sent, corrected when its cost is known.</summary>
    Cost,
}
