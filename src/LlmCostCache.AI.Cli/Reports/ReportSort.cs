namespace LlmCostCache.AI.Cli.Reports;

/// <summary>What the rows of a report are ordered by.</summary>
internal enum ReportSort
{
    /// <summary>Periods by time; everything else the dearest first.</summary>
    Natural,

    Spent,

    Saved,

    Calls,

    Tokens,

    Name,
}
