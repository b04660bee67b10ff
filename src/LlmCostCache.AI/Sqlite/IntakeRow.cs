namespace LlmCostCache.AI;

/// <summary>A row that was made elsewhere.</summary>
/// <param name="Record">The row.</param>
/// <param name="HasOwnCost">Whether its cost came with it. One that was computed here on the way in may be another with the next price book, and the row is still the same.</param>
internal sealed record IntakeRow(UsageRecord Record, bool HasOwnCost);
