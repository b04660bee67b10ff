namespace LlmCostCache.AI.Cli.Reports;

/// <summary>As what a report is written.</summary>
internal enum ReportFormat
{
    Text,

    Json,

    Csv,

    Markdown,

    Html,
}
