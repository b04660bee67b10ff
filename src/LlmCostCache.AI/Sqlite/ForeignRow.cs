namespace LlmCostCache.AI;

/// <summary>A row of another ledger, with the ids of what it refers to by place.</summary>
/// <param name="Entry">The row as it stands there.</param>
/// <param name="CallId">The attempt that it corrects; null for the row of a call.</param>
/// <param name="PreviousAdjustmentId">The correction of the same call before it; null when it is the first one, and for the row of a call.</param>
internal sealed record ForeignRow(LedgerEntry Entry, string? CallId, string? PreviousAdjustmentId);
