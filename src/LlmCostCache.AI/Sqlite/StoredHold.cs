namespace LlmCostCache.AI;

/// <summary>A hold as the ledger keeps it: which window, and how much in the unit of its budget.</summary>
internal readonly record struct StoredHold(string Budget, string Key, long StartsAt, long Amount);
