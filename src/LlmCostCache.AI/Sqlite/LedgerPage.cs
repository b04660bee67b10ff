namespace LlmCostCache.AI;

/// <summary>Some calls of the ledger, and where the next page begins and the last one ends.</summary>
internal sealed record LedgerPage(IReadOnlyList<LedgerEntry> Entries, long After, long LastSequence, bool IsLast);
