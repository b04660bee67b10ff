namespace LlmCostCache.AI.Cli.Traces;

/// <summary>A line of a trace: a request, or why it is none.</summary>
/// <param name="Line">From 1.</param>
/// <param name="Call">Null when the line is wrong.</param>
/// <param name="Wrong">What is wrong with it.</param>
internal readonly record struct TraceRow(long Line, TraceCall? Call, string? Wrong)
{
    /// <summary>The file, where there are several.</summary>
    public string? File { get; init; }
}
