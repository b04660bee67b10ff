namespace LlmCostCache.AI;

/// <summary>A reservation whose deadline has passed, as it was written down.</summary>
internal sealed record DueReservation(string Id, string? Record, string CallId, int Attempt, long Amount, long CreatedAt);
