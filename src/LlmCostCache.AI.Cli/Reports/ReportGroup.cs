namespace LlmCostCache.AI.Cli.Reports;

/// <summary>The rows with one value of the first dimension, and their sum.</summary>
/// <param name="Sum">The sum.</param>
/// <param name="Parts">By the second dimension; the sum alone when there is none.</param>
internal sealed record ReportGroup(ReportRow Sum, IReadOnlyList<ReportRow> Parts);
