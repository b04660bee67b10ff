namespace LlmCostCache.AI;

/// <summary>What a call would use if its prompt were sent once more.</summary>
/// <param name="bought">What it used when it was bought.</param>
/// <param name="rule">How the provider caches prompts; null when it does not.</param>
internal sealed class RepeatedPrompt(TokenUsage bought, PromptCacheRule? rule)
{
    private static readonly TimeSpan s_shortWrite = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_longWrite = TimeSpan.FromHours(1);

    /// <summary>How many tokens of the prompt the provider caches by itself.</summary>
    public long Readable { get; } = rule?.ReadableOf(bought.TotalInputTokens) ?? 0;

    /// <summary>The same prompt, read anew.</summary>
    public static TokenUsage ReadAnew(TokenUsage usage) => usage with
    {
        UncachedInputTokens = usage.UncachedInputTokens + usage.CachedInputTokens + usage.CacheWrite5mTokens + usage.CacheWrite1hTokens,
        CachedInputTokens = 0,
        CacheWrite5mTokens = 0,
        CacheWrite1hTokens = 0,
        InputAudioTokens = usage.InputAudioTokens + usage.CachedAudioTokens,
        CachedAudioTokens = 0,
        InputImageTokens = usage.InputImageTokens + usage.CachedImageTokens,
        CachedImageTokens = 0,
    };

    /// <summary>How long parts of the prompt stay in the provider's cache after its last use; shortest first.</summary>
    public IReadOnlyList<TimeSpan> Lifetimes()
    {
        List<TimeSpan> lifetimes = [];
        if (bought.CacheWrite5mTokens > 0)
        {
            lifetimes.Add(s_shortWrite);
        }

        if (bought.CacheWrite1hTokens > 0)
        {
            lifetimes.Add(s_longWrite);
        }

        if (Readable > 0)
        {
            lifetimes.Add(rule!.Lifetime);
        }

        return [.. lifetimes.Distinct().Order()];
    }

    /// <summary>What a call would use that comes a moment before a lifetime ends: whatever lives that long is still there.</summary>
    public TokenUsage UsageBefore(TimeSpan end)
    {
        var (shortWrite, longWrite) = (end <= s_shortWrite ? bought.CacheWrite5mTokens : 0, end <= s_longWrite ? bought.CacheWrite1hTokens : 0);
        var usage = bought with
        {
            CachedInputTokens = bought.CachedInputTokens + shortWrite + longWrite,
            CacheWrite5mTokens = bought.CacheWrite5mTokens - shortWrite,
            CacheWrite1hTokens = bought.CacheWrite1hTokens - longWrite,
        };
        return Readable > 0 && end <= rule!.Lifetime ? Read(usage) : usage;
    }

    // What was read or written when it was bought is read in any case; only a remainder of the text is not.
    private TokenUsage Read(TokenUsage usage)
    {
        var rest = Math.Min(usage.UncachedInputTokens, usage.TotalInputTokens - Readable);
        return usage with
        {
            UncachedInputTokens = rest,
            CachedInputTokens = usage.CachedInputTokens + usage.UncachedInputTokens - rest + usage.CacheWrite5mTokens + usage.CacheWrite1hTokens,
            CacheWrite5mTokens = 0,
            CacheWrite1hTokens = 0,
            InputAudioTokens = 0,
            CachedAudioTokens = usage.CachedAudioTokens + usage.InputAudioTokens,
            InputImageTokens = 0,
            CachedImageTokens = usage.CachedImageTokens + usage.InputImageTokens,
        };
    }
}
