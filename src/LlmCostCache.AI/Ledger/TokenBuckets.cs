namespace LlmCostCache.AI;

/// <summary>A <see cref="TokenUsage"/> as the row of numbers that the ledger stores, in the order of its columns: new ones come last.</summary>
internal static class TokenBuckets
{
    public const int Count = 23;

    /// <summary>How many there were at first, in the ledger's first schema and in costs and answers that were stored by it.</summary>
    public const int FirstCount = 15;

    // A thousand million of the largest contexts there are; nine thousand rows of it can be added up.
    private const long Most = 1_000_000_000_000_000;
    private const long MostByteHours = 900_000_000_000_000_000;

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
        buckets[15] = usage.CachedImageTokens;
        buckets[16] = usage.InputVideoTokens;
        buckets[17] = usage.OutputVideoTokens;
        buckets[18] = usage.CitationTokens;
        buckets[19] = usage.Images;
        buckets[20] = usage.VideoMilliseconds;
        buckets[21] = usage.ComputeMilliseconds;
        buckets[22] = usage.StorageByteHours;
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
        CachedImageTokens = buckets[15],
        InputVideoTokens = buckets[16],
        OutputVideoTokens = buckets[17],
        CitationTokens = buckets[18],
        Images = buckets[19],
        VideoMilliseconds = buckets[20],
        ComputeMilliseconds = buckets[21],
        StorageByteHours = buckets[22],
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

    /// <summary>Whether a call can have these counts: none is negative, and thousands of the largest can be added up.</summary>
    public static bool ArePossible(TokenUsage usage) => ImpossibleOf(usage) is null;

    /// <exception cref="ArgumentException">A count is negative, or so large that the sums of the ledger would break.</exception>
    public static void RequirePossible(TokenUsage usage, string parameter)
    {
        if (ImpossibleOf(usage) is { } count)
        {
            var fault = count < 0 ? "is negative" : "is more than a call can have";
            throw new ArgumentException($"A count of the usage (tokens, requests, searches, images, time, characters or storage) {fault} ({count}).", parameter);
        }
    }

    private static long? ImpossibleOf(TokenUsage usage)
    {
        Span<long> buckets = stackalloc long[Count];
        Write(usage, buckets);
        for (var i = 0; i < buckets.Length; i++)
        {
            // The last one counts bytes times hours; a petabyte for a month is 7.2e17.
            if (buckets[i] < 0 || buckets[i] > (i == Count - 1 ? MostByteHours : Most))
            {
                return buckets[i];
            }
        }

        return null;
    }
}
