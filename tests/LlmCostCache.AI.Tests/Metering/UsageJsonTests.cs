using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Usage as providers and gateways write it. The shapes are those of their documentation.</summary>
public class UsageJsonTests
{
    public static TheoryData<string, string, TokenUsage> Dialects => new()
    {
        {
            "OpenAI",
            """{"prompt_tokens":1000,"completion_tokens":50,"total_tokens":1050,"prompt_tokens_details":{"cached_tokens":300,"cache_write_tokens":200,"audio_tokens":40},"completion_tokens_details":{"reasoning_tokens":10,"audio_tokens":5,"accepted_prediction_tokens":3,"rejected_prediction_tokens":2}}""",
            new() { UncachedInputTokens = 460, CachedInputTokens = 300, CacheWrite5mTokens = 200, InputAudioTokens = 40, OutputTokens = 35, ReasoningTokens = 10, OutputAudioTokens = 5 }
        },
        {
            "OpenAI responses",
            """{"input_tokens":1000,"input_tokens_details":{"cached_tokens":300,"image_tokens":100},"output_tokens":50,"output_tokens_details":{"reasoning_tokens":10,"image_tokens":20},"total_tokens":1050}""",
            new() { UncachedInputTokens = 600, CachedInputTokens = 300, InputImageTokens = 100, OutputTokens = 20, ReasoningTokens = 10, OutputImageTokens = 20 }
        },
        {
            "DeepSeek",
            """{"prompt_tokens":1000,"completion_tokens":50,"total_tokens":1050,"prompt_cache_hit_tokens":640,"prompt_cache_miss_tokens":360}""",
            new() { UncachedInputTokens = 360, CachedInputTokens = 640, OutputTokens = 50 }
        },
        {
            "xAI",
            """{"prompt_tokens":100,"completion_tokens":20,"total_tokens":150,"prompt_tokens_details":{"text_tokens":100,"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":30}}""",
            new() { UncachedInputTokens = 100, OutputTokens = 20, ReasoningTokens = 30 }
        },
        {
            "Perplexity",
            """{"prompt_tokens":33,"completion_tokens":7163,"total_tokens":7196,"citation_tokens":19500,"num_search_queries":18,"reasoning_tokens":73997,"search_context_size":"low"}""",
            new() { UncachedInputTokens = 33, CitationTokens = 19_500, OutputTokens = 7_163, ReasoningTokens = 73_997, WebSearches = 18 }
        },
        {
            "OpenRouter with the model's own tokens",
            """{"prompt_tokens":90,"completion_tokens":40,"native_tokens_prompt":100,"native_tokens_completion":50,"native_tokens_reasoning":10,"native_tokens_cached":60}""",
            new() { UncachedInputTokens = 40, CachedInputTokens = 60, OutputTokens = 40, ReasoningTokens = 10 }
        },
        {
            "LiteLLM in front of Anthropic",
            """{"prompt_tokens":1125,"completion_tokens":15,"total_tokens":1140,"prompt_tokens_details":{"cached_tokens":1000},"cache_read_input_tokens":1000,"cache_creation_input_tokens":100,"cache_creation":{"ephemeral_5m_input_tokens":40,"ephemeral_1h_input_tokens":60}}""",
            new() { UncachedInputTokens = 25, CachedInputTokens = 1_000, CacheWrite5mTokens = 40, CacheWrite1hTokens = 60, OutputTokens = 15 }
        },
        {
            "a gateway that counts as Anthropic does",
            """{"prompt_tokens":25,"completion_tokens":15,"total_tokens":40,"cache_read_input_tokens":1000,"cache_creation_input_tokens":100}""",
            new() { UncachedInputTokens = 25, CachedInputTokens = 1_000, CacheWrite5mTokens = 100, OutputTokens = 15 }
        },
        {
            "Anthropic",
            """{"input_tokens":25,"cache_creation_input_tokens":100,"cache_read_input_tokens":1000,"cache_creation":{"ephemeral_5m_input_tokens":40,"ephemeral_1h_input_tokens":60},"output_tokens":15,"output_tokens_details":{"thinking_tokens":5},"server_tool_use":{"web_search_requests":2,"web_fetch_requests":1}}""",
            new() { UncachedInputTokens = 25, CachedInputTokens = 1_000, CacheWrite5mTokens = 40, CacheWrite1hTokens = 60, OutputTokens = 10, ReasoningTokens = 5, WebSearches = 2 }
        },
        {
            "Anthropic with compaction",
            """{"input_tokens":25,"output_tokens":15,"cache_read_input_tokens":0,"iterations":[{"type":"compaction","input_tokens":1000,"output_tokens":200},{"type":"message","input_tokens":25,"output_tokens":15}]}""",
            new() { UncachedInputTokens = 1_025, OutputTokens = 215 }
        },
        { "Mistral", """{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}""", new() { UncachedInputTokens = 10, OutputTokens = 5 } },
    };

    [Theory]
    [MemberData(nameof(Dialects))]
    public void A_usage_comes_apart_whatever_dialect_it_is_in(string dialect, string json, TokenUsage expected)
    {
        var facts = Answer($$"""{"usage":{{json}}}""");
        var (usage, flags) = UsageNormalizer.Normalize(UsageReader.WithBeside(facts), null);
        Assert.True(expected with { Requests = 1 } == usage, $"{dialect}: {usage}");
        Assert.Null(flags);
    }

    [Theory]
    [InlineData("""{"usage":{"prompt_tokens":7}}""")]
    [InlineData("""{"prompt_tokens":7}""")]
    [InlineData("""{"response":{"usage":{"input_tokens":7}}}""")]
    [InlineData("""{"type":"message_start","message":{"usage":{"input_tokens":7}}}""")]
    [InlineData("""{"choices":[],"x_groq":{"id":"r","usage":{"prompt_tokens":7}}}""")]
    public void A_usage_is_found_wherever_providers_put_it(string answer) => Assert.Equal(7, Answer(answer).Usage?.InputTokenCount);

    [Theory]
    [InlineData("""{"usage":{"service_tier":"priority"}}""", "priority", null)]
    [InlineData("""{"service_tier":"flex","usage":{}}""", "flex", null)]
    [InlineData("""{"usage":{"service_tier":"standard","speed":"fast","inference_geo":"us"}}""", "fast", "us")]
    [InlineData("""{"usage":{"service_tier":"batch","inference_geo":"global"}}""", "batch", null)]
    [InlineData("""{"usage":{"inference_geo":"not_available"}}""", null, null)]
    public void Tier_and_place_are_read(string answer, string? tier, string? region) => Assert.Equal((tier, region), (Answer(answer).ServiceTier, Answer(answer).Region));

    [Theory]
    [InlineData("completed", true)]
    [InlineData("incomplete", true)]
    [InlineData("failed", true)]
    [InlineData("in_progress", false)]
    public void A_response_says_whether_its_counts_are_the_last(string status, bool isFinal) =>
        Assert.Equal(isFinal, Answer("""{"response":{"status":"?","usage":{"input_tokens":1}}}""".Replace("?", status, StringComparison.Ordinal)).IsFinal);

    [Theory]
    [InlineData("[]")]
    [InlineData("1")]
    [InlineData("""{"usage":[1]}""")]
    [InlineData("""{"usage":{"prompt_tokens":"ten","completion_tokens":1e400,"cost":"x","prompt_tokens_details":7,"cache_creation":[],"iterations":[1,null,{}]}}""")]
    [InlineData("""{"usage":{"input_tokens":9223372036854775807,"cache_read_input_tokens":9223372036854775807,"cache_creation_input_tokens":9223372036854775807}}""")]
    [InlineData("""{"usage":{"input_tokens":-5,"cache_read_input_tokens":-9223372036854775808}}""")]
    public void What_is_no_usage_is_none_and_breaks_nothing(string answer)
    {
        var usage = Answer(answer).Usage;
        Assert.True(usage is null || UsageNormalizer.Normalize(usage, null).Usage.TotalTokens >= 0);
    }

    /// <summary>In the place of every count there is: what the others say stays priced, and nothing wraps, falls below zero or throws.</summary>
    [Theory]
    [InlineData("-1")]
    [InlineData("0")]
    [InlineData("2147483648")]
    [InlineData("9007199254740992")]
    [InlineData("9223372036854775807")]
    [InlineData("9223372036854775808")]
    [InlineData("1e400")]
    [InlineData("1.5")]
    [InlineData("\"10\"")]
    [InlineData("\"NaN\"")]
    [InlineData("[10]")]
    [InlineData("{}")]
    [InlineData("true")]
    [InlineData("null")]
    public void No_value_of_any_count_makes_a_cost_negative_or_breaks_anything(string value)
    {
        const string Usage = """
            {"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,"cached_tokens":5,"prompt_cache_hit_tokens":5,"cache_read_input_tokens":5,"cache_creation_input_tokens":5,
            "prompt_tokens_details":{"cached_tokens":5,"audio_tokens":5,"image_tokens":5,"cache_write_tokens":5},"completion_tokens_details":{"reasoning_tokens":5,"audio_tokens":5},
            "server_tool_use":{"web_search_requests":1},"citation_tokens":5,"iterations":[{"type":"compaction","input_tokens":5,"output_tokens":5}]}
            """;
        var places = System.Text.RegularExpressions.Regex.Matches(Usage, "(?<=\":)[0-9]+");
        Assert.Equal(17, places.Count);
        foreach (var place in places.ToArray())
        {
            var facts = Answer($$"""{"usage":{{Usage[..place.Index]}}{{value}}{{Usage[(place.Index + place.Length)..]}}}""");
            foreach (var provider in (string[])["openai", "anthropic", "gcp.gen_ai"])
            {
                var usage = UsageNormalizer.Normalize(UsageReader.WithBeside(facts), provider).Usage;
                var buckets = new long[TokenBuckets.Count];
                TokenBuckets.Write(usage, buckets);
                Assert.True(Array.TrueForAll(buckets, count => count >= 0), $"{place.Index}: {usage}");
                var cost = PriceBook.BuiltIn.Price(new PriceQuery { Provider = "openai", Model = "gpt-4o", At = new(2026, 9, 1, 0, 0, 0, TimeSpan.Zero), Usage = usage }).Cost;
                Assert.True(cost.Amount is null ? cost.Certainty == CostCertainty.Unknown : cost.Low >= Money.Zero && cost.Low <= cost.High, $"{place.Index}: {cost}");
            }
        }
    }

    private static RawFacts Answer(string json)
    {
        using var document = JsonDocument.Parse(json);
        return UsageJson.OfAnswer(document.RootElement);
    }
}
