namespace LlmCostCache.AI;

/// <summary>What a doubtful usage may really have been. The cost lies between the cheapest and the dearest of these readings.</summary>
internal static class UsageReadings
{
    /// <param name="usage">The usage as it was read.</param>
    /// <param name="doubts">What it leaves open.</param>
    /// <param name="unnamed">The tokens that only the provider's total has.</param>
    /// <param name="mostInput">The most input that the request can have had.</param>
    /// <param name="mostOutput">The most output that the answer can have had.</param>
    public static IReadOnlyList<TokenUsage> Of(TokenUsage usage, UsageDoubts doubts, long unnamed, long mostInput, long mostOutput)
    {
        List<TokenUsage> readings = [usage];
        if (doubts.HasFlag(UsageDoubts.Input))
        {
            Also(reading => reading with { UncachedInputTokens = Math.Max(reading.UncachedInputTokens, mostInput) });
        }

        if (doubts.HasFlag(UsageDoubts.Output))
        {
            Also(reading => reading with { OutputTokens = Math.Max(reading.OutputTokens, mostOutput) });
        }

        if (doubts.HasFlag(UsageDoubts.Total))
        {
            var counted = readings.ToArray();
            Also(reading => reading with { UncachedInputTokens = reading.UncachedInputTokens + unnamed });
            readings.AddRange(counted.Select(reading => reading with { OutputTokens = reading.OutputTokens + unnamed }));
            readings.AddRange(counted.Select(reading => reading with { ReasoningTokens = reading.ReasoningTokens + unnamed }));
        }

        if (doubts.HasFlag(UsageDoubts.OutputParts))
        {
            Also(reading => reading with { OutputTokens = 0, ReasoningTokens = reading.ReasoningTokens + reading.OutputTokens });
        }

        if (doubts.HasFlag(UsageDoubts.InputParts))
        {
            var read = readings.ToArray();
            Also(reading => reading with { UncachedInputTokens = 0, CachedInputTokens = reading.CachedInputTokens + reading.UncachedInputTokens });
            readings.AddRange(read.Select(reading => reading with { UncachedInputTokens = 0, CacheWrite1hTokens = reading.CacheWrite1hTokens + reading.UncachedInputTokens }));
        }

        if (doubts.HasFlag(UsageDoubts.WriteLifetime))
        {
            Also(reading => reading with { CacheWrite5mTokens = 0, CacheWrite1hTokens = reading.CacheWrite1hTokens + reading.CacheWrite5mTokens });
        }

        return readings;

        void Also(Func<TokenUsage, TokenUsage> change) => readings.AddRange([.. readings.Select(change)]);
    }

    /// <summary>What is open, for people.</summary>
    public static string Reason(UsageDoubts doubts)
    {
        List<string> parts = [];
        if ((doubts & (UsageDoubts.Input | UsageDoubts.Output | UsageDoubts.InputParts)) != 0)
        {
            parts.Add("the provider's token counts cannot be true");
        }

        if (doubts.HasFlag(UsageDoubts.Total))
        {
            parts.Add("the provider's total is larger than its counts");
        }

        if (doubts.HasFlag(UsageDoubts.WriteLifetime))
        {
            parts.Add("how long the written cache lives could not be read");
        }

        if (doubts.HasFlag(UsageDoubts.ServiceTier))
        {
            parts.Add("the service tier could not be read");
        }

        var text = string.Join("; ", parts);
        return string.Concat(text[..1].ToUpperInvariant(), text.AsSpan(1));
    }
}
