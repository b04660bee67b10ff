using CsCheck;

namespace LlmCostCache.AI.Tests;

/// <summary>Random usage of models whose prices have every shape there is: tiers, modes, windows, history, audio, other currencies.</summary>
internal static class PricingGen
{
    private static readonly (string Provider, string Model)[] Models =
    [
        ("openai", "gpt-4o"), ("openai", "gpt-5.4"), ("openai", "gpt-4o-audio-preview"), ("openai", "o3"), ("openai", "gpt-realtime"), ("openai", "text-embedding-3-small"),
        ("anthropic", "claude-sonnet-4-5"), ("anthropic", "claude-opus-4-6"), ("anthropic", "claude-opus-5"), ("openai", "gpt-5.6-luna"), ("google", "gemini-omni-flash-preview"), ("anthropic", "claude-3-haiku"),
        ("google", "gemini-2.5-pro"), ("google", "gemini-2.5-flash"), ("google", "gemini-3-pro-preview"),
        ("deepseek", "deepseek-chat"), ("deepseek", "deepseek-reasoner"), ("alibaba-cn", "qwen-plus"), ("zhipu-cn", "glm-4.7"), ("volcengine-cn", "doubao-seed-1.6"),
        ("baidu", "ernie-4.0"), ("perplexity", "sonar"), ("perplexity", "sonar-deep-research"), ("xai", "grok-4"), ("openrouter", "openai/gpt-4o"),
    ];

    private static readonly string?[] Tiers = [null, "standard", "batch", "flex", "priority"];

    private static readonly string?[] Regions = [null, null, "global", "us", "eu"];

    private static readonly Gen<long> Count = Gen.Frequency((3, Gen.Const(0L)), (5, Gen.Long[1, 3000]), (3, Gen.Long[1, 400_000]), (1, Gen.Long[1, 10_000_000]));

    public static Gen<TokenUsage> Usages { get; } =
        from input in Gen.Select(Count, Count, Count, Count)
        from media in Gen.Select(Count, Count, Count)
        from rarer in Gen.Select(Count, Count, Count, Count)
        from output in Gen.Select(Count, Count, Count, Count)
        select new TokenUsage
        {
            UncachedInputTokens = input.Item1,
            CachedInputTokens = input.Item2,
            CacheWrite5mTokens = input.Item3,
            CacheWrite1hTokens = input.Item4,
            InputAudioTokens = media.Item1,
            CachedAudioTokens = media.Item2,
            InputImageTokens = media.Item3,
            OutputTokens = output.Item1,
            ReasoningTokens = output.Item2,
            OutputAudioTokens = output.Item3,
            OutputImageTokens = output.Item4,
            CachedImageTokens = rarer.Item1,
            InputVideoTokens = rarer.Item2,
            CitationTokens = rarer.Item3,
            OutputVideoTokens = rarer.Item4,
            Requests = 1,
        };

    public static Gen<PriceQuery> Queries { get; } =
        from model in Gen.Int[0, Models.Length - 1].Select(i => Models[i])
        from usage in Usages
        from minute in Gen.Int[0, 3 * 365 * 24 * 60]
        from tier in Gen.Int[0, Tiers.Length - 1].Select(i => Tiers[i])
        from region in Gen.Int[0, Regions.Length - 1].Select(i => Regions[i])
        select new PriceQuery
        {
            Provider = model.Provider,
            Model = model.Model,
            At = new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero).AddMinutes(minute),
            ServiceTier = tier,
            Region = region,
            Usage = usage,
        };
}
