namespace LlmCostCache.AI;

/// <summary>A <see cref="TokenUsage"/> as the row of numbers that the ledger stores, in the order of its columns.</summary>
internal static class TokenBuckets
{
    public const int Count = 15;

    public static void Write(TokenUsage usage, Span<long> buckets)
    {
        buckets[0] = usage.UncachedInputTokens;
        buckets[1] = usage.CachedInputTokens;
        buckets[2] = usage.CacheWrite5mTokens;
        buckets[3] = usage.CacheWrite1hTokens;
        buckets[4] = usage.InputAudioTokens;
        buckets[5] = usage.CachedAudioTokens;
        buckets[6] = usage.InputImageTokens;
        buckets[7] = usage.OutputTokens;
        buckets[8] = usage.ReasoningTokens;
        buckets[9] = usage.OutputAudioTokens;
        buckets[10] = usage.OutputImageTokens;
        buckets[11] = usage.Requests;
        buckets[12] = usage.WebSearches;
        buckets[13] = usage.Milliseconds;
        buckets[14] = usage.Characters;
    }

    public static TokenUsage Read(ReadOnlySpan<long> buckets) => new()
    {
        UncachedInputTokens = buckets[0],
        CachedInputTokens = buckets[1],
        CacheWrite5mTokens = buckets[2],
        CacheWrite1hTokens = buckets[3],
        InputAudioTokens = buckets[4],
        CachedAudioTokens = buckets[5],
        InputImageTokens = buckets[6],
        OutputTokens = buckets[7],
        ReasoningTokens = buckets[8],
        OutputAudioTokens = buckets[9],
        OutputImageTokens = buckets[10],
        Requests = buckets[11],
        WebSearches = buckets[12],
        Milliseconds = buckets[13],
        Characters = buckets[14],
    };

    public static TokenUsage Difference(TokenUsage from, TokenUsage to)
    {
        Span<long> before = stackalloc long[Count];
        Span<long> after = stackalloc long[Count];
        Write(from, before);
        Write(to, after);
        for (var i = 0; i < Count; i++)
        {
            after[i] = checked(after[i] - before[i]);
        }

        return Read(after);
    }

    /// <exception cref="ArgumentException">A count is negative.</exception>
    public static void RequireNotNegative(TokenUsage usage, string parameter)
    {
        Span<long> buckets = stackalloc long[Count];
        Write(usage, buckets);
        foreach (var count in buckets)
        {
            if (count < 0)
            {
                throw new ArgumentException($"A count of tokens, requests, searches, milliseconds or characters is negative ({count}).", parameter);
            }
        }
    }
}
