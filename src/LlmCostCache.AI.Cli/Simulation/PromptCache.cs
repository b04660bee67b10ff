namespace LlmCostCache.AI.Cli.Simulation;

/// <summary>A provider's cache of prompts: how much of a prompt's beginning it had read less than a lifetime ago. Every use begins the lifetime anew.</summary>
/// <param name="lifetime">How long after its last use a prompt is still there, where the provider does not drop it sooner.</param>
internal sealed class PromptCache(TimeSpan lifetime)
{
    // Anthropic caches nothing shorter (platform.claude.com, prompt caching; some models ask for more).
    private const long LeastMarked = 1_024;

    // What it is written for; the longer life has the higher premium.
    private static readonly TimeSpan s_shortWrite = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_longWrite = TimeSpan.FromHours(1);

    private readonly Dictionary<(string Model, long Block), DateTimeOffset> _lastUse = [];
    private readonly Queue<(string Model, long Block, DateTimeOffset At)> _uses = new();

    /// <summary>What a call would use whose prompt the provider may have in part.</summary>
    /// <param name="usage">With a prompt that is read anew.</param>
    /// <param name="blocks">The prompt.</param>
    /// <param name="model">Who reads it: a cache belongs to a model.</param>
    /// <param name="rule">How its provider caches.</param>
    /// <param name="now">When.</param>
    public TokenUsage Read(TokenUsage usage, IReadOnlyList<long> blocks, string model, PromptCacheRule rule, DateTimeOffset now)
    {
        if (rule.IsAutomatic)
        {
            var read = rule.ReadableOf(Math.Min(Shared(blocks, model, now, rule.Lifetime), usage.UncachedInputTokens));
            return usage with { UncachedInputTokens = usage.UncachedInputTokens - read, CachedInputTokens = read };
        }

        // Only Claude's is asked for with a mark: here one at the end of every prompt, as agents set it. What is not read there is written, at a premium.
        if (!IsMarked(model) || usage.UncachedInputTokens < LeastMarked)
        {
            return usage;
        }

        var shared = Math.Min(Shared(blocks, model, now, s_longWrite), usage.UncachedInputTokens);
        var known = shared >= LeastMarked ? shared : 0;
        var (written, isShort) = (usage.UncachedInputTokens - known, lifetime <= s_shortWrite);
        return usage with { UncachedInputTokens = 0, CachedInputTokens = known, CacheWrite5mTokens = isShort ? written : 0, CacheWrite1hTokens = isShort ? 0 : written };
    }

    /// <summary>The prompt was sent: the provider has all of it for a lifetime.</summary>
    public void Keep(IReadOnlyList<long> blocks, string model, DateTimeOffset now)
    {
        Forget(now);
        foreach (var block in blocks)
        {
            _lastUse[(model, block)] = now;
            _uses.Enqueue((model, block, now));
        }
    }

    /// <summary>How many tokens from the beginning on are those of a prompt that was read lately.</summary>
    private long Shared(IReadOnlyList<long> blocks, string model, DateTimeOffset now, TimeSpan longest)
    {
        var (known, kept) = (0, lifetime < longest ? lifetime : longest);
        while (known < blocks.Count && _lastUse.TryGetValue((model, blocks[known]), out var last) && now - last <= kept)
        {
            known++;
        }

        return (long)known * Traces.TraceCall.BlockTokens;
    }

    private static bool IsMarked(string model) => model.Contains("claude", StringComparison.OrdinalIgnoreCase);

    private void Forget(DateTimeOffset now)
    {
        while (_uses.TryPeek(out var first) && now - first.At > lifetime)
        {
            _uses.Dequeue();
            if (_lastUse.GetValueOrDefault((first.Model, first.Block)) == first.At)
            {
                _lastUse.Remove((first.Model, first.Block));
            }
        }
    }
}
