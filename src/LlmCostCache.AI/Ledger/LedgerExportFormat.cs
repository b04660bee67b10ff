namespace LlmCostCache.AI;

/// <summary>What an export of the ledger is written as.</summary>
public enum LedgerExportFormat
{
    /// <summary>One JSON object a line, UTF-8.</summary>
    Jsonl,

    /// <summary>RFC 4180 with a header line. Cells that a spreadsheet would take for a formula begin with an apostrophe.</summary>
    Csv,
}
