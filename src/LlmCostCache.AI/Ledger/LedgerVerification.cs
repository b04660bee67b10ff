namespace LlmCostCache.AI;

/// <summary>What a check of the ledger found.</summary>
/// <param name="Rows">How many rows were checked.</param>
/// <param name="FirstBadSequence">The sequence number of the first row that was changed, lost or moved; null when there is none.</param>
/// <param name="Problems">What is wrong, in sentences; empty when nothing is.</param>
public sealed record LedgerVerification(long Rows, long? FirstBadSequence, IReadOnlyList<string> Problems)
{
    /// <summary>Whether nothing is wrong.</summary>
    public bool IsIntact => Problems.Count == 0;

    /// <summary>The same with place, id and kind, in the same order: at most a thousand; <see cref="Wrong"/> counts all.</summary>
    public IReadOnlyList<LedgerFinding> Findings { get; init; } = [];

    /// <summary>How many things are wrong.</summary>
    public long Wrong { get; init; }

    /// <summary>
    /// Where the chain of hashes ends, as <c>sequence:hash</c>; null for an empty ledger. Who notes it elsewhere can prove later that no row up to there was changed:
    /// a check of the file alone cannot, once somebody has rewritten it to its end with all hashes.
    /// </summary>
    public string? Head { get; init; }
}
