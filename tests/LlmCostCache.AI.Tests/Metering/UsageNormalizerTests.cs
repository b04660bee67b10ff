using CsCheck;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>What adapters report, taken apart. The shapes are those of the adapters' sources.</summary>
public class UsageNormalizerTests
{
    [Fact]
    public void OpenAI_counts_cached_input_and_reasoning_inside() => AssertBuckets(
        Details(2_006, 300, 2_306, cached: 1_920, reasoning: 200, ("OutputTokenDetails.AcceptedPredictionTokenCount", 3), ("OutputTokenDetails.RejectedPredictionTokenCount", 2)), "openai",
        new() { UncachedInputTokens = 86, CachedInputTokens = 1_920, OutputTokens = 100, ReasoningTokens = 200 });

    [Fact]
    public void OpenAI_counts_audio_inside() => AssertBuckets(
        Details(100, 50, 150, null, null, ("InputTokenDetails.AudioTokenCount", 40), ("OutputTokenDetails.AudioTokenCount", 30)), "openai",
        new() { UncachedInputTokens = 60, InputAudioTokens = 40, OutputTokens = 20, OutputAudioTokens = 30 });

    [Fact]
    public void OpenAI_counts_images_of_the_input_inside() => AssertBuckets(
        Details(100, 50, 150, null, null, ("InputTokenDetails.ImageTokenCount", 70), ("InputTokenDetails.TextTokenCount", 30)), "openai",
        new() { UncachedInputTokens = 30, InputImageTokens = 70, OutputTokens = 50 });

    [Fact]
    public void Sound_and_images_that_were_cached_are_not_counted_twice()
    {
        AssertBuckets(
            Details(100, 0, 100, cached: 80, reasoning: null, ("InputTokenDetails.AudioTokenCount", 40), ("InputTokenDetails.CachedAudioTokenCount", 30)), "openai",
            new() { UncachedInputTokens = 10, CachedInputTokens = 50, InputAudioTokens = 10, CachedAudioTokens = 30 });
        AssertBuckets(
            Details(100, 0, 100, cached: 80, reasoning: null, ("InputTokenDetails.AudioTokenCount", 40)), "openai",
            new() { CachedInputTokens = 60, InputAudioTokens = 20, CachedAudioTokens = 20 });
        AssertBuckets(
            Details(100, 0, 100, cached: 70, reasoning: null, ("InputTokenDetails.ImageTokenCount", 60), ("InputTokenDetails.CachedImageTokenCount", 50)), "gcp.gen_ai",
            new() { UncachedInputTokens = 20, CachedInputTokens = 20, InputImageTokens = 10, CachedImageTokens = 50 });
    }

    [Fact]
    public void Images_and_video_of_the_answer_have_their_own_buckets() => AssertBuckets(
        Details(10, 100, 110, null, null, ("OutputTokenDetails.ImageTokenCount", 60), ("OutputTokenDetails.VideoTokenCount", 20), ("InputTokenDetails.VideoTokenCount", 7)), "gcp.gen_ai",
        new() { UncachedInputTokens = 3, InputVideoTokens = 7, OutputTokens = 20, OutputImageTokens = 60, OutputVideoTokens = 20 });

    [Fact]
    public void Reasoning_that_does_not_fit_into_the_output_of_xAI_is_beside_it() => AssertBuckets(
        Details(100, 20, 150, null, reasoning: 30), "xai", new() { UncachedInputTokens = 100, OutputTokens = 20, ReasoningTokens = 30 });

    [Fact]
    public void An_output_that_is_taken_from_the_total_holds_the_thoughts_already()
    {
        AssertBuckets(
            new() { InputTokenCount = 8, TotalTokenCount = 1_028, ReasoningTokenCount = 1_020 }, "gcp.gen_ai",
            new() { UncachedInputTokens = 8, ReasoningTokens = 1_020 });
        AssertBuckets(
            new() { InputTokenCount = 8, TotalTokenCount = 1_048, ReasoningTokenCount = 1_020, AdditionalCounts = new() { [UsageNames.ToolPrompt] = 20 } }, "gcp.gen_ai",
            new() { UncachedInputTokens = 28, ReasoningTokens = 1_020 });
    }

    [Theory]
    [InlineData("generativelanguage.googleapis.com", 1_024)]
    [InlineData("us-central1-aiplatform.googleapis.com", 1_024)]
    [InlineData("aiplatform.googleapis.com", 1_024)]
    [InlineData("googleapis.com.example.org", 0)]
    [InlineData("api.openai.com", 0)]
    [InlineData(null, 0)]
    public void What_only_the_total_of_Google_holds_are_thoughts(string? host, long thoughts)
    {
        var normalized = UsageNormalizer.Normalize(Details(8, 10, 1_042, null, null), "openai", rule: null, host);
        Assert.Equal(new() { UncachedInputTokens = 8, OutputTokens = 10, ReasoningTokens = thoughts, Requests = 1 }, normalized.Usage);
        Assert.Equal(
            thoughts > 0 ? (null, UsageDoubts.None, 0) : (UsageFlags.TotalDiffers, UsageDoubts.Total, 1_024),
            (normalized.Flags, normalized.Doubts, normalized.UnnamedTokens));
    }

    [Theory]
    [InlineData(17L)]
    [InlineData(-1L)]
    [InlineData(long.MaxValue)]
    public void A_total_that_is_too_small_or_impossible_is_flagged_and_leaves_the_counts_alone(long total)
    {
        var normalized = UsageNormalizer.Normalize(Details(8, 10, total, null, null), "openai", rule: null, "generativelanguage.googleapis.com");
        Assert.Equal(new() { UncachedInputTokens = 8, OutputTokens = 10, Requests = 1 }, normalized.Usage);
        Assert.Equal((UsageFlags.TotalDiffers, UsageDoubts.None), (normalized.Flags, normalized.Doubts));
    }

    [Theory]
    [InlineData(150, null)]
    [InlineData(151, "total_differs")]
    [InlineData(0, "total_differs")]
    [InlineData(180, null)]
    public void A_total_that_no_convention_explains_is_flagged(long total, string? flag)
    {
        var (usage, flags) = UsageNormalizer.Normalize(Details(100, 50, total, null, reasoning: 30), "openai");
        Assert.Equal(flag, flags);
        Assert.Equal(100, usage.TotalInputTokens);
    }

    [Theory]
    [InlineData(-1L, 50L, null, UsageDoubts.Input)]
    [InlineData(100L, -1L, null, UsageDoubts.Output)]
    [InlineData(100L, 50L, -1L, UsageDoubts.InputParts)]
    [InlineData(100L, 50L, long.MaxValue, UsageDoubts.InputParts)]
    [InlineData(100L, 50L, 200L, UsageDoubts.None)]
    public void A_count_that_cannot_be_true_leaves_a_doubt(long input, long output, long? cached, object doubts)
    {
        var usage = UsageNormalizer.Normalize(Details(input, output, null, cached, null), "openai");
        Assert.Equal((UsageDoubts)doubts, usage.Doubts);
        Assert.Equal(UsageFlags.Clamped, usage.Flags);
    }

    [Fact]
    public void OpenAI_counts_writes_of_the_newest_models_inside() => AssertBuckets(
        Details(1_000, 50, 1_050, cached: 300, reasoning: null, ("InputTokenDetails.CacheWriteTokenCount", 200)), "openai",
        new() { UncachedInputTokens = 500, CachedInputTokens = 300, CacheWrite5mTokens = 200, OutputTokens = 50 });

    [Fact]
    public void Anthropics_own_SDK_counts_reads_and_writes_inside() => AssertBuckets(
        Details(1_125, 15, 1_140, cached: 1_000, reasoning: 10, ("CacheCreationInputTokens", 100), ("WebSearchRequests", 2), ("WebFetchRequests", 1)), "anthropic",
        new() { UncachedInputTokens = 25, CachedInputTokens = 1_000, CacheWrite5mTokens = 100, OutputTokens = 5, ReasoningTokens = 10, WebSearches = 2 });

    [Fact]
    public void The_community_SDK_of_Anthropic_counts_reads_and_writes_outside() => AssertBuckets(
        Details(25, 15, null, null, null, ("CacheReadInputTokens", 1_000), ("CacheCreationInputTokens", 100)), "AnthropicClient",
        new() { UncachedInputTokens = 25, CachedInputTokens = 1_000, CacheWrite5mTokens = 100, OutputTokens = 15 });

    [Fact]
    public void The_community_SDK_of_Anthropic_without_a_cache_reports_zeros() => AssertBuckets(
        Details(25, 15, null, null, null, ("CacheReadInputTokens", 0), ("CacheCreationInputTokens", 0)), "AnthropicClient",
        new() { UncachedInputTokens = 25, OutputTokens = 15 });

    [Theory]
    [InlineData(null)]
    [InlineData(40L)]
    [InlineData(1_140L)]
    public void Bedrock_counts_reads_and_writes_outside_whatever_its_total_says(long? total) => AssertBuckets(
        Details(25, 15, total, null, null, ("CacheReadInputTokens", 1_000), ("CacheWriteInputTokens", 100)), "aws.bedrock",
        new() { UncachedInputTokens = 25, CachedInputTokens = 1_000, CacheWrite5mTokens = 100, OutputTokens = 15 });

    [Fact]
    public void Bedrock_reports_a_write_alone_on_a_first_request() => AssertBuckets(
        Details(25, 15, null, null, null, ("CacheWriteInputTokens", 100)), "aws.bedrock",
        new() { UncachedInputTokens = 25, CacheWrite5mTokens = 100, OutputTokens = 15 });

    [Fact]
    public void A_total_that_equals_input_and_output_says_that_reads_are_inside() => AssertBuckets(
        Details(1_125, 15, 1_140, null, null, ("cache_read_input_tokens", 1_000), ("cache_creation_input_tokens", 100)), "litellm",
        new() { UncachedInputTokens = 25, CachedInputTokens = 1_000, CacheWrite5mTokens = 100, OutputTokens = 15 });

    [Theory]
    [InlineData("gcp.gen_ai")]
    [InlineData("gcp.vertex_ai")]
    [InlineData(null)]
    public void Google_counts_thoughts_and_the_prompts_of_tools_outside(string? provider) => AssertBuckets(
        Details(100, 20, 160, cached: 40, reasoning: 30, ("ToolUsePromptTokenCount", 10)), provider,
        new() { UncachedInputTokens = 70, CachedInputTokens = 40, OutputTokens = 20, ReasoningTokens = 30 });

    [Fact]
    public void The_community_SDK_of_Gemini_counts_thoughts_inside() => AssertBuckets(
        Details(100, 50, 150, cached: 40, reasoning: 30, ("AudioDurationSeconds", 12), ("VideoDurationSeconds", 3)), "gemini",
        new() { UncachedInputTokens = 60, CachedInputTokens = 40, OutputTokens = 20, ReasoningTokens = 30 });

    [Fact]
    public void Ollama_reports_input_and_output() => AssertBuckets(Details(26, 298, 324, null, null), "ollama", new() { UncachedInputTokens = 26, OutputTokens = 298 });

    [Fact]
    public void A_cost_and_a_duration_among_the_counts_are_not_tokens() => AssertBuckets(
        Details(1_000, 50, 1_050, cached: 300, reasoning: null, ("CacheWriteTokens", 200), ("Cost", 7), ("Duration", 1_234)), "github.copilot",
        new() { UncachedInputTokens = 500, CachedInputTokens = 300, CacheWrite5mTokens = 200, OutputTokens = 50 });

    [Fact]
    public void Writes_for_an_hour_are_a_part_of_the_writes() => AssertBuckets(
        Details(1_025, 15, 1_040, cached: 0, reasoning: null, ("CacheCreationInputTokens", 1_000), ("Ephemeral1hInputTokens", 600)), "anthropic",
        new() { UncachedInputTokens = 25, CacheWrite5mTokens = 400, CacheWrite1hTokens = 600, OutputTokens = 15 });

    [Fact]
    public void What_is_missing_follows_from_the_total()
    {
        AssertBuckets(Details(null, 50, 150, null, null), "openai", new() { UncachedInputTokens = 100, OutputTokens = 50 });
        AssertBuckets(Details(100, null, 150, null, null), "openai", new() { UncachedInputTokens = 100, OutputTokens = 50 });
        AssertBuckets(Details(100, null, null, null, null), "openai", new() { UncachedInputTokens = 100 });
    }

    [Fact]
    public void An_explicit_zero_is_reported_and_an_empty_object_or_an_impossible_count_is_not()
    {
        Assert.True(UsageNormalizer.IsReported(new UsageDetails { InputTokenCount = 0, OutputTokenCount = 0 }));
        Assert.False(UsageNormalizer.IsReported(new UsageDetails { TotalTokenCount = 5 }));
        Assert.False(UsageNormalizer.IsReported(new UsageDetails()));
        Assert.False(UsageNormalizer.IsReported(null));
        Assert.False(UsageNormalizer.IsReported(new UsageDetails { InputTokenCount = long.MaxValue, OutputTokenCount = 1 }));
        Assert.False(UsageNormalizer.IsReported(new UsageDetails { InputTokenCount = 1, OutputTokenCount = long.MaxValue }));
    }

    [Fact]
    public void Inclusive_counts_of_any_size_come_apart_into_buckets_that_add_up_to_them() =>
        Gen.Select(Count, Count, Count, Count, Count, Count).Sample((input, output, cached, reasoning, write, audio) =>
        {
            var details = Details(input, output, null, cached, reasoning, Given(("CacheCreationInputTokens", write), ("InputTokenDetails.AudioTokenCount", audio), ("OutputTokenDetails.AudioTokenCount", audio)));
            var (usage, flags) = UsageNormalizer.Normalize(details, "anthropic");
            AssertNotNegative(usage);
            Assert.Equal(Clamped(input), usage.TotalInputTokens);
            Assert.Equal(Clamped(output), usage.TotalOutputTokens);

            // Sound may be read from the cache, so that reads and sound may overlap.
            var contradicts = ((long?[])[input, output, cached, reasoning, write, audio]).Any(count => count < 0)
                || Clamped(cached) + Clamped(write) > Clamped(input) || Clamped(audio) + Clamped(write) > Clamped(input)
                || (UInt128)Clamped(reasoning) + (UInt128)Clamped(audio) > (UInt128)Clamped(output);
            Assert.True(!contradicts || flags == UsageFlags.Clamped);
        }, iter: TestSize.Cases);

    [Fact]
    public void Exclusive_counts_of_any_size_come_apart_into_buckets_that_add_up_to_their_sum() =>
        Gen.Select(Count, Count, Gen.Long, Count).Sample((input, output, read, write) =>
        {
            var (usage, _) = UsageNormalizer.Normalize(Details(input, output, null, null, null, Given(("CacheReadInputTokens", read), ("CacheWriteInputTokens", write))), "aws.bedrock");
            AssertNotNegative(usage);
            Assert.Equal(Clamped(input) + Clamped(read) + Clamped(write), usage.TotalInputTokens);
            Assert.Equal((Clamped(read), Clamped(write)), (usage.CachedInputTokens, usage.CacheWrite5mTokens));
            Assert.Equal(Clamped(output), usage.TotalOutputTokens);
        }, iter: TestSize.Cases);

    [Fact]
    public void Counts_of_any_size_under_any_name_never_throw_and_never_go_below_zero() =>
        Gen.Select(Gen.Select(Count, Count, Count), Gen.Select(Count, Count), Gen.Select(OneOf(s_names), Count).Array[0, 6], OneOf("openai", "anthropic", "gcp.gen_ai", "aws.bedrock", null))
            .Sample((counts, parts, more, provider) =>
            {
                var details = Details(counts.Item1, counts.Item2, counts.Item3, parts.Item1, parts.Item2, Given(more));
                var (usage, _) = UsageNormalizer.Normalize(details, provider);
                AssertNotNegative(usage);
                Assert.True(usage.TotalTokens >= Clamped(counts.Item1) + Clamped(counts.Item2), details.ToString());
            }, iter: TestSize.Cases);

    private static readonly string[] s_names =
    [
        "CacheReadInputTokens", "CacheCreationInputTokens", "CacheWriteInputTokens", "CacheWriteTokens", "cache_creation_input_tokens", "Ephemeral1hInputTokens",
        "InputTokenDetails.AudioTokenCount", "OutputTokenDetails.AudioTokenCount", "InputTokenDetails.ImageTokenCount", "ToolUsePromptTokenCount", "WebSearchRequests", "Cost",
    ];

    private static Gen<long?> Count { get; } = Gen.Frequency(
        (6, Gen.Long[0, 1_000].Select(count => (long?)count)),
        (2, Gen.Long[0, 200_000].Select(count => (long?)count)),
        (2, Gen.Const((long?)null)),
        (1, Gen.Long.Select(count => (long?)count)),
        (1, OneOf<long?>(long.MinValue, long.MaxValue, -1, 0)));

    private static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static long Clamped(long? count) => Math.Clamp(count ?? 0, 0, 1_000_000_000_000);

    private static (string, long)[] Given(params (string Name, long? Count)[] counts) => [.. counts.Where(count => count.Count is not null).Select(count => (count.Name, count.Count!.Value))];

    private static void AssertBuckets(UsageDetails details, string? provider, TokenUsage expected)
    {
        var (usage, flags) = UsageNormalizer.Normalize(details, provider);
        Assert.Equal(expected with { Requests = 1 }, usage);
        Assert.Null(flags);
    }

    private static void AssertNotNegative(TokenUsage usage) => Assert.True(
        (usage.UncachedInputTokens | usage.CachedInputTokens | usage.CacheWrite5mTokens | usage.CacheWrite1hTokens | usage.InputAudioTokens | usage.CachedAudioTokens
            | usage.InputImageTokens | usage.OutputTokens | usage.ReasoningTokens | usage.OutputAudioTokens | usage.OutputImageTokens | usage.WebSearches | usage.Requests) >= 0, usage.ToString());

    private static UsageDetails Details(long? input, long? output, long? total, long? cached, long? reasoning, params (string Name, long Count)[] more)
    {
        var details = new UsageDetails { InputTokenCount = input, OutputTokenCount = output, TotalTokenCount = total, CachedInputTokenCount = cached, ReasoningTokenCount = reasoning };
        foreach (var (name, count) in more)
        {
            (details.AdditionalCounts ??= [])[name] = count;
        }

        return details;
    }
}
