namespace LlmCostCache.AI.Cli.Simulation;

/// <summary>How long an answer takes, as a straight line: nobody measured the calls of a trace under another strategy.</summary>
internal sealed record LatencyModel
{
    /// <summary>A hit takes microseconds in memory and less than that from disk (docs/benchmarks.md); a whole millisecond is more than it is.</summary>
    public const decimal HitMs = 1m;

    /// <summary>Until the first token, with an empty prompt.</summary>
    public decimal FirstMs { get; init; } = 400m;

    /// <summary>For each input token that is read anew: some 20,000 tokens a second.</summary>
    public decimal InputMs { get; init; } = 0.05m;

    /// <summary>For each output token: some 65 tokens a second.</summary>
    public decimal OutputMs { get; init; } = 15m;

    public decimal Of(TokenUsage usage)
    {
        var read = usage.TotalInputTokens - usage.CachedInputTokens - usage.CachedAudioTokens - usage.CachedImageTokens;
        return FirstMs + (read * InputMs) + (usage.TotalOutputTokens * OutputMs);
    }
}
