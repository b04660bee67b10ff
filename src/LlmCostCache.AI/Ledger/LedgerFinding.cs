namespace LlmCostCache.AI;

/// <summary>One thing that is wrong in a ledger.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Message">What is wrong, in a sentence.</param>
public sealed record LedgerFinding(LedgerFindingKind Kind, string Message)
{
    /// <summary>The place in the sequence, of the first row when there are several; null when it concerns no row.</summary>
    public long? Sequence { get; init; }

    /// <summary>The id of the attempt whose row it is; null when it concerns no row, or one that is gone.</summary>
    public string? Id { get; init; }
}
