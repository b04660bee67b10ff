namespace LlmCostCache.AI;

/// <summary>Some calls of the ledger, and where the next page begins and the last one ends.</summary>
internal sealed record LedgerPage(IReadOnlyList<LedgerEntry> Entries, long After, long LastSequence, bool IsLast)
{
    /// <summary>How many calls were looked at, those that do not match among them.</summary>
    public int Read { get; init; }
}
