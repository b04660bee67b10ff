using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>What an answer from the cache says in <see cref="ChatResponse.Usage"/>.</summary>
public enum HitUsage
{
    /// <summary>Nothing: nothing was used, and whoever adds usage up is not misled.</summary>
    Omit = 0,

    /// <summary>Zero input and output tokens, for callers that need the numbers to be there.</summary>
    Zero = 1,

    /// <summary>What the answer had used when it was bought. Telemetry further out counts it as used again.</summary>
    Original = 2,
}
