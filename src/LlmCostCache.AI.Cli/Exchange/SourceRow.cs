namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>One row of a file that is being read: a call, or why it is none.</summary>
/// <param name="Line">The line, or the number of the row where a file has no lines; from 1.</param>
internal readonly record struct SourceRow(long Line)
{
    /// <summary>Where in the file, where a line says nothing: <c>data[3].results[0]</c>.</summary>
    public string? Place { get; init; }

    public UsageRecord? Record { get; init; }

    /// <summary>What is wrong with the row; null when there is a <see cref="Record"/>.</summary>
    public string? Wrong { get; init; }

    /// <summary>Whether the cost came with the row, also where that says that it is unknown.</summary>
    public bool HasOwnCost { get; init; }

    /// <summary>Whether the row has to get an id: it came without one.</summary>
    public bool NeedsId { get; init; }

    /// <summary>Whether the row names no time, so that it is of the moment in which it was read.</summary>
    public bool NamesNoTime { get; init; }

    /// <summary>How long the requests of a bucket were.</summary>
    public PromptSizes Prompts { get; init; }

    /// <summary>Whether the row is one of a report of amounts, and not of tokens; null for single calls.</summary>
    public BucketKind? Bucket { get; init; }
}
