namespace LlmCostCache.AI;

/// <summary>What is wrong in a ledger.</summary>
public enum LedgerFindingKind
{
    /// <summary>A row does not say what it said when it was written.</summary>
    RowChanged,

    /// <summary>Rows are gone: from the start, out of the middle or from the end.</summary>
    RowMissing,

    /// <summary>A row stands at another place than where it was written.</summary>
    RowMoved,

    /// <summary>A row was put in that no writer of the ledger wrote.</summary>
    RowAdded,

    /// <summary>A counter, a sum or a name that is kept beside the rows is not what the rows say. <c>llmcost ledger repair</c> makes it right.</summary>
    CounterWrong,

    /// <summary>The file itself is damaged: rows or indices cannot be read, or a part of its write-ahead log is lost.</summary>
    FileDamaged,

    /// <summary>A file of archived rows is missing, cannot be read, or is not the one that was made; nothing is known of its rows.</summary>
    ArchiveMissing,
}
