namespace LlmCostCache.AI;

/// <summary>How a request fared at the gate: it has a pass, or it was refused.</summary>
/// <param name="Pass">What it took; null when it was refused.</param>
/// <param name="Waited">How long it stood in the queue.</param>
/// <param name="RefusedBy">The limit that refused.</param>
/// <param name="Reason">Why.</param>
/// <param name="RetryAfter">When it makes sense to come again; null when it never does.</param>
internal sealed record RateEntry(RatePass? Pass, TimeSpan Waited, RateClaim? RefusedBy = null, RateRefusal Reason = default, TimeSpan? RetryAfter = null);
