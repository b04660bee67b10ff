namespace LlmCostCache.AI;

/// <summary>What became of a row that was made elsewhere.</summary>
internal enum IntakeOutcome
{
    /// <summary>It was not in the ledger and is now.</summary>
    New,

    /// <summary>It was there already, as it is or as it was before something more became known about it.</summary>
    Known,

    /// <summary>The ledger has another row of this id; nothing was written.</summary>
    Differs,

    /// <summary>It corrects a call that is not there, or one that was corrected otherwise here; nothing was written.</summary>
    Unfit,

    /// <summary>A sum of the ledger would no longer fit; nothing was written.</summary>
    TooLarge,
}
