namespace LlmCostCache.AI;

/// <summary>What a check of the ledger found.</summary>
/// <param name="Rows">How many rows were checked.</param>
/// <param name="FirstBadSequence">The sequence number of the first row that was changed, lost or moved; null when there is none.</param>
/// <param name="Problems">What is wrong, in sentences; empty when nothing is.</param>
public sealed record LedgerVerification(long Rows, long? FirstBadSequence, IReadOnlyList<string> Problems)
{
    /// <summary>Whether nothing is wrong.</summary>
    public bool IsIntact => Problems.Count == 0;
}
