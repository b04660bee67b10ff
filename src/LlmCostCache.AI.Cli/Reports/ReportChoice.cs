namespace LlmCostCache.AI.Cli.Reports;

/// <summary>What was asked of a report.</summary>
internal sealed record ReportChoice
{
    public LedgerDimension By { get; init; } = LedgerDimension.Model;

    public LedgerDimension? ThenBy { get; init; }

    public required FilterChoice Filter { get; init; }

    public ReportSort Sort { get; init; }

    /// <summary>How many groups stand alone; the others are one row.</summary>
    public int? Top { get; init; }

    /// <summary>Whether the models stand under each row; <see cref="ThenBy"/> is the model then.</summary>
    public bool Breakdown { get; init; }

    /// <summary>Only the columns that cannot be missed.</summary>
    public bool Compact { get; init; }

    /// <summary>Whether each row says what changed since the period before.</summary>
    public bool Compare { get; init; }

    /// <summary>Whether rows are read for their latency, which no sum keeps.</summary>
    public bool Latency { get; init; }

    /// <summary>A call with several tags is in several groups, so only the ledger itself knows the total.</summary>
    public bool CountsTwice => By == LedgerDimension.Tag || ThenBy == LedgerDimension.Tag;

    /// <summary>What the sums by quarter-hour do not know, so that every row of the span is read; null when they answer.</summary>
    public string? OnlyInRows => Latency ? "latencies" : OnlyInRowsOf(By) ?? OnlyInRowsOf(ThenBy) ?? (Filter.Rows.Session is not null ? "sessions" : Filter.Rows.Tag is not null ? "tags" : null);

    private static string? OnlyInRowsOf(LedgerDimension? dimension) =>
        dimension is LedgerDimension.Session or LedgerDimension.Trace or LedgerDimension.Tag ? $"{Dimensions.WordOf(dimension.Value)}s" : null;
}
