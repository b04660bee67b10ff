namespace LlmCostCache.AI;

/// <summary>What a request asks of one limit.</summary>
/// <param name="Limit">The limit.</param>
/// <param name="Partition">Whose count it is within the limit.</param>
/// <param name="Amount">How much it takes, in the unit of the limit.</param>
internal readonly record struct RateClaim(RateLimit Limit, string Partition, long Amount);
