using System.Globalization;
using CsCheck;

namespace LlmCostCache.AI.Tests;

public class PriceBookTests
{
    // A real name with something in front, behind or missing.
    private static readonly Gen<string> Odd = Gen.Select(Gen.String[0, 4], Gen.Int[0, 20], Gen.String[0, 12], (before, cut, behind) =>
        before + "us.anthropic.claude-sonnet-4-5@20250929-v1:0"[cut..] + behind);

    private static readonly DateTimeOffset Summer = new(2026, 8, 20, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("openai", "gpt-4o-2024-08-06", 86, 1920, 0, 0, 300, "0.005615")]
    [InlineData("openai", "gpt-4o", 1000, 0, 0, 0, 1000, "0.0125")]
    [InlineData("openai", "gpt-4o-mini", 1000, 0, 0, 0, 1000, "0.00075")]
    [InlineData("openai", "gpt-4-turbo", 1_000_000, 0, 0, 0, 1_000_000, "40")]
    [InlineData("openai", "gpt-3.5-turbo", 1_000_000, 0, 0, 0, 1_000_000, "2")]
    [InlineData("openai", "gpt-4o-2024-05-13", 1_000_000, 0, 0, 0, 0, "5")]
    [InlineData("anthropic", "claude-3-5-sonnet", 1_000_000, 0, 0, 0, 1_000_000, "18")]
    [InlineData("anthropic", "claude-3.5-sonnet", 1_000_000, 0, 0, 0, 1_000_000, "18")]
    [InlineData("anthropic", "claude-3-haiku", 1_000_000, 0, 0, 0, 1_000_000, "1.5")]
    [InlineData("anthropic", "claude-3-haiku-20240307", 0, 1_000_000, 1_000_000, 1_000_000, 0, "0.83")]
    [InlineData("anthropic", "claude-sonnet-4-20250514", 1000, 0, 0, 0, 1000, "0.018")]
    [InlineData("anthropic", "claude-sonnet-4-5-20250929", 1000, 10_000, 2000, 3000, 500, "0.0390")]
    [InlineData("anthropic", "claude-sonnet-4-5", 100_000, 50_000, 30_000, 20_000, 1000, "0.5625")]
    [InlineData("anthropic", "claude-sonnet-4-5", 100_001, 50_000, 30_000, 20_000, 1000, "1.117506")]
    [InlineData("google", "gemini-2.5-pro", 200_000, 0, 0, 0, 1000, "0.26")]
    [InlineData("google", "gemini-2.5-pro", 200_001, 0, 0, 0, 1000, "0.5150025")]
    [InlineData("deepseek", "deepseek-chat", 1_000_000, 0, 0, 0, 1_000_000, "0.42")]
    [InlineData("openai", "text-embedding-3-small", 1_000_000, 0, 0, 0, 0, "0.02")]
    public void Real_cases_cost_what_the_bill_says(string provider, string model, long input, long cached, long write5m, long write1h, long output, string usd)
    {
        var priced = Price(provider, model, new()
        {
            UncachedInputTokens = input,
            CachedInputTokens = cached,
            CacheWrite5mTokens = write5m,
            CacheWrite1hTokens = write1h,
            OutputTokens = output,
            Requests = 1,
        });

        Assert.Equal(CostCertainty.Known, priced.Cost.Certainty);
        Assert.Equal(Money.FromUsd(decimal.Parse(usd, CultureInfo.InvariantCulture)), priced.Cost.Amount);
        Assert.Equal(provider, priced.Provider);
    }

    [Fact]
    public void The_contract_example_has_these_parts()
    {
        var priced = Price("openai", "gpt-4o-2024-08-06", new() { UncachedInputTokens = 86, CachedInputTokens = 1920, OutputTokens = 300, Requests = 1 });

        Assert.Equal(5_615_000, priced.Cost.Amount!.Value.Nanos);
        Assert.Equal(["cached_input", "input", "output"], priced.Parts.Keys);
        Assert.Equal((0.000215m, 0.0024m, 0.003m), (priced.Parts["input"], priced.Parts["cached_input"], priced.Parts["output"]));
        Assert.Equal("gpt-4o-2024-08-06", priced.Model);
        Assert.Equal(0.005615m, priced.NativeCost);
        Assert.Null(priced.FxRate);
        Assert.Matches("^openai/gpt-4o-2024-08-06@2026-08-22#[0-9a-f]{8}$", priced.Cost.PriceRevision);
    }

    [Theory]
    [InlineData("2025-02-01T20:00:00Z", "0.42")]
    [InlineData("2025-03-01T12:00:00Z", "1.37")]
    [InlineData("2025-03-01T16:29:59Z", "1.37")]
    [InlineData("2025-03-01T16:30:00Z", "0.685")]
    [InlineData("2025-03-02T00:29:59Z", "0.685")]
    [InlineData("2025-03-02T00:30:00Z", "1.37")]
    [InlineData("2025-03-01T23:30:00+08:00", "1.37")]
    [InlineData("2025-09-12T20:00:00Z", "0.685")]
    [InlineData("2025-09-13T20:00:00Z", "2.24")]
    [InlineData("2026-04-23T23:59:59Z", "0.70")]
    [InlineData("2026-04-24T00:00:00Z", "0.42")]
    public void DeepSeek_had_many_prices_and_cheap_nights(string at, string usd)
    {
        var usage = new TokenUsage { UncachedInputTokens = 1_000_000, OutputTokens = 1_000_000 };
        var priced = Price("deepseek", "deepseek-chat", usage, at: DateTimeOffset.Parse(at, CultureInfo.InvariantCulture));

        Assert.Equal(Money.FromUsd(decimal.Parse(usd, CultureInfo.InvariantCulture)), priced.Cost.Amount);
    }

    [Fact]
    public void A_later_price_has_another_revision_and_leaves_the_earlier_one_alone()
    {
        var usage = new TokenUsage { UncachedInputTokens = 1 };
        var before = Price("openai", "o3", usage, at: new(2025, 6, 9, 23, 59, 59, TimeSpan.Zero));
        var after = Price("openai", "o3", usage, at: new(2025, 6, 10, 0, 0, 0, TimeSpan.Zero));

        Assert.Equal(10_000, before.Cost.Amount!.Value.Nanos);
        Assert.Equal(2_000, after.Cost.Amount!.Value.Nanos);
        Assert.NotEqual(before.Cost.PriceRevision, after.Cost.PriceRevision);
    }

    [Theory]
    [InlineData("batch", "6.25")]
    [InlineData("BATCH", "6.25")]
    [InlineData("priority", "21.25")]
    [InlineData("flex", "12.5")]
    [InlineData("default", "12.5")]
    [InlineData("auto", "12.5")]
    [InlineData("standard", "12.5")]
    [InlineData("standard_only", "12.5")]
    [InlineData(null, "12.5")]
    public void The_service_tier_picks_the_rates(string? tier, string usd)
    {
        var priced = Price("openai", "gpt-4o", new() { UncachedInputTokens = 1_000_000, OutputTokens = 1_000_000 }, tier: tier);

        Assert.Equal(Money.FromUsd(decimal.Parse(usd, CultureInfo.InvariantCulture)), priced.Cost.Amount);
        Assert.Equal(tier == "flex", priced.Cost.Reason?.Contains("standard ones were used", StringComparison.Ordinal) == true);
    }

    [Theory]
    [InlineData("scale")]
    [InlineData("turbo-hyper")]
    [InlineData("fast")]
    public void A_service_tier_that_nobody_knows_is_never_silently_standard(string tier)
    {
        var priced = Price("openai", "gpt-4o", new() { UncachedInputTokens = 1 }, tier: tier);

        Assert.Equal(CostCertainty.Unknown, priced.Cost.Certainty);
        Assert.Contains(tier, priced.Cost.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mode_without_tiers_keeps_its_rates_above_the_threshold()
    {
        var usage = new TokenUsage { UncachedInputTokens = 300_000, OutputTokens = 1000 };

        Assert.Equal(Money.FromUsd(1.8225m), Price("anthropic", "claude-sonnet-4-5", usage).Cost.Amount);
        Assert.Equal(Money.FromUsd(0.4575m), Price("anthropic", "claude-sonnet-4-5", usage, tier: "batch").Cost.Amount);
    }

    [Theory]
    [InlineData(31_000, 200, "0.0636")]
    [InlineData(31_000, 201, "0.095814")]
    [InlineData(32_001, 200, "0.131204")]
    public void Prices_by_length_of_the_answer_are_exact(long input, long output, string yuan)
    {
        var priced = Price("zhipu-cn", "glm-4.7", new() { UncachedInputTokens = input, OutputTokens = output });

        Assert.Equal(decimal.Parse(yuan, CultureInfo.InvariantCulture), priced.NativeCost);
    }

    [Theory]
    [InlineData("openai", "gpt-5.9")]
    [InlineData("openai", "gpt-4o-ultra")]
    [InlineData(null, "gpt-5.9")]
    [InlineData("anthropic", "claude-sonnet-9")]
    [InlineData("anthropic", "claude-opus-4-10")]
    [InlineData("anthropic", "claude-opus-4-12-20270101")]
    [InlineData("anthropic", "claude-sonnet-4-7")]
    [InlineData("google", "gemini-2.5-pro-max")]
    [InlineData("google", "gemini-9-pro")]
    [InlineData("mistral", "mistral-medium-2799")]
    [InlineData("openai", "claude-sonnet-4-5")]
    [InlineData("openai", "")]
    [InlineData("openai", null)]
    [InlineData("bedrock", "us.anthropic.claude-sonnet-9-20270101-v1:0")]
    public void A_newer_sibling_or_a_stranger_has_no_price(string? provider, string? model)
    {
        var priced = Price(provider, model, new() { UncachedInputTokens = 1000 });

        Assert.Equal(CostCertainty.Unknown, priced.Cost.Certainty);
        Assert.Null(priced.Cost.Amount);
        Assert.StartsWith("no price", priced.Cost.Reason, StringComparison.Ordinal);
        Assert.Null(PriceBook.BuiltIn.Ceiling(provider, model, Summer, 1, 1));
        Assert.Null(PriceBook.BuiltIn.Find(provider, model, Summer));
    }

    [Theory]
    [InlineData("openai", null, "GPT-4O", "openai", "gpt-4o")]
    [InlineData("openai", null, "openai/gpt-4o", "openai", "gpt-4o")]
    [InlineData(null, null, "openai/gpt-4o", "openai", "gpt-4o")]
    [InlineData(null, null, "gpt-4o", "openai", "gpt-4o")]
    [InlineData("my-gateway", null, "gpt-4o", "openai", "gpt-4o")]
    [InlineData("openai", null, "gpt-4o-2031-01-01", "openai", "gpt-4o")]
    [InlineData("openai", "llm.corp.example", "claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5")]
    [InlineData("OpenAI", "api.deepseek.com", "deepseek-chat", "deepseek", "deepseek-chat")]
    [InlineData("openai", "https://api.deepseek.com:443/v1", "deepseek-chat", "deepseek", "deepseek-chat")]
    [InlineData("deepseek-cn", "api.deepseek.com", "deepseek-chat", "deepseek-cn", "deepseek-chat")]
    [InlineData("openai", "dashscope.aliyuncs.com", "qwen-plus", "alibaba-cn", "qwen-plus")]
    [InlineData("openai", "dashscope-intl.aliyuncs.com", "qwen-plus", "alibaba", "qwen-plus")]
    [InlineData("openai", "api.moonshot.cn", "kimi-k2.5", "moonshot-cn", "kimi-k2.5")]
    [InlineData("openai", "api.moonshot.ai", "kimi-k2.5", "moonshot", "kimi-k2.5")]
    [InlineData("openai", "api.minimax.io", "MiniMax-M2.5", "minimax", "MiniMax-M2.5")]
    [InlineData("openai", "api.minimaxi.com", "MiniMax-M2.5", "minimax-cn", "MiniMax-M2.5")]
    [InlineData("openai", "my-resource.openai.azure.com", "gpt-4o-2024-08-06", "azure", "gpt-4o-2024-08-06")]
    [InlineData("azure.ai.openai", null, "gpt-4o-mini-2024-07-18", "azure", "gpt-4o-mini-2024-07-18")]
    [InlineData("gcp.gemini", null, "models/gemini-2.5-pro", "google", "gemini-2.5-pro")]
    [InlineData("gcp.gen_ai", null, "gemini-2.5-pro-preview-12-09", "google", "gemini-2.5-pro")]
    [InlineData("gcp.vertex_ai", null, "claude-sonnet-4@20250514", "vertex", "claude-sonnet-4@20250514")]
    [InlineData(null, null, "claude-sonnet-4@20250514", "anthropic", "claude-sonnet-4-20250514")]
    [InlineData("AnthropicClient", null, "claude-sonnet-4-5-20991231", "anthropic", "claude-sonnet-4-5")]
    [InlineData("aws.bedrock", null, "us.anthropic.claude-3-haiku-20240307-v1:0", "bedrock", "us.anthropic.claude-3-haiku-20240307-v1:0")]
    [InlineData("aws.bedrock", null, "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0", "bedrock", "us.amazon.nova-pro-v1:0")]
    [InlineData("x_ai", null, "grok-4-0709", "xai", "grok-4-0709")]
    [InlineData("mistral_ai", null, "mistral-large-latest", "mistral", "mistral-large-latest")]
    [InlineData("openai", "openrouter.ai", "openai/gpt-4o", "openrouter", "openai/gpt-4o")]
    [InlineData("baidu", null, "ernie-4.0", "baidu", "ernie-4.0-8k-latest")]
    [InlineData(null, null, "ERNIE-4.0-8K", "baidu", "ernie-4.0-8k-latest")]
    [InlineData("openai", null, "ft:gpt-4o-mini-2024-07-18:my-org::abc123", "openai", "ft:gpt-4o-mini-2024-07-18")]
    [InlineData("openai", "localhost", "gpt-4o", "openai", "gpt-4o")]
    public void Names_resolve_to_the_entry_they_mean(string? provider, string? host, string model, string expectedProvider, string expectedModel)
    {
        var facts = PriceBook.BuiltIn.Find(provider, model, Summer, host);

        Assert.NotNull(facts);
        Assert.Equal((expectedProvider, expectedModel), (facts.Provider, facts.Model));
    }

    [Fact]
    public void A_fine_tune_without_its_own_price_does_not_cost_what_its_base_costs()
    {
        var priced = Price("openai", "ft:gpt-5:my-org::abc123", new() { UncachedInputTokens = 1 });

        Assert.Equal(CostCertainty.Unknown, priced.Cost.Certainty);
        Assert.Contains("fine-tune", priced.Cost.Reason, StringComparison.Ordinal);
        Assert.Equal(0.3m, Price("openai", "ft:gpt-4o-mini-2024-07-18:o::i", new() { UncachedInputTokens = 1_000_000 }).NativeCost);
    }

    [Fact]
    public void Resellers_that_differ_leave_a_model_without_a_price_and_are_named()
    {
        var priced = Price(null, "gpt-oss-120b", new() { UncachedInputTokens = 1 });

        Assert.Equal(CostCertainty.Unknown, priced.Cost.Certainty);
        Assert.Contains("name the provider", priced.Cost.Reason, StringComparison.Ordinal);
        Assert.Contains("/gpt-oss-120b", priced.Cost.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ollama", null, "llama3.2:3b")]
    [InlineData("ollama", "my-gpu-box:11434", "qwen3")]
    [InlineData("openai", "http://localhost:1234/v1", "qwen2.5-coder")]
    [InlineData("openai", "127.0.0.1", "openai/gpt-oss-20b")]
    [InlineData(null, "::1", "anything")]
    [InlineData("lmstudio", null, "gemma-3")]
    public void Local_servers_are_free_and_that_is_known(string? provider, string? host, string model)
    {
        var priced = Price(provider, model, new() { UncachedInputTokens = 1000, OutputTokens = 1000, WebSearches = 3 }, host: host, tier: "whatever");

        Assert.Equal(CostCertainty.Known, priced.Cost.Certainty);
        Assert.Equal(Money.Zero, priced.Cost.Amount);
        Assert.Empty(priced.Parts);
        Assert.NotNull(priced.Cost.PriceRevision);
        Assert.Equal(Money.Zero, PriceBook.BuiltIn.Ceiling(provider, model, Summer, 1000, 1000, host));
    }

    [Fact]
    public void Yuan_are_priced_natively_and_converted_at_the_assumed_rate()
    {
        var priced = Price("baidu", "ernie-4.0", new() { UncachedInputTokens = 1_000_000, OutputTokens = 1_000_000 });

        Assert.Equal(("CNY", 120m, 7.20m, (DateOnly?)null), (priced.Currency, priced.NativeCost, priced.FxRate, priced.FxDate));
        Assert.Equal(16_666_666_667, priced.Cost.Amount!.Value.Nanos);
    }

    [Fact]
    public void Audio_images_and_reasoning_fall_back_to_text_and_cached_input_to_input()
    {
        var priced = Price("openai", "gpt-4", new()
        {
            CachedInputTokens = 1_000_000,
            InputAudioTokens = 1_000_000,
            CachedAudioTokens = 1_000_000,
            InputImageTokens = 1_000_000,
            CacheWrite1hTokens = 1_000_000,
            ReasoningTokens = 1_000_000,
            OutputAudioTokens = 1_000_000,
            OutputImageTokens = 1_000_000,
        });

        Assert.Equal((5 * 30m) + (3 * 60m), priced.NativeCost);
    }

    [Fact]
    public void Audio_of_a_model_that_hears_has_its_own_price() =>
        Assert.Equal(0.3m + 1m + 2.5m, Price("google", "gemini-2.5-flash", new() { UncachedInputTokens = 1_000_000, InputAudioTokens = 1_000_000, OutputTokens = 1_000_000 }).NativeCost);

    [Fact]
    public void Web_searches_cost_their_fee()
    {
        var priced = Price("anthropic", "claude-sonnet-4-5", new() { UncachedInputTokens = 1000, WebSearches = 3 });

        Assert.Equal(0.03m, priced.Parts["web_search"]);
        Assert.Equal(Money.FromUsd(0.033m), priced.Cost.Amount);
    }

    [Fact]
    public void Web_searches_without_a_listed_fee_are_never_free()
    {
        var priced = Price("deepseek", "deepseek-chat", new() { UncachedInputTokens = 1_000_000, WebSearches = 1 });

        Assert.Equal(CostCertainty.Unknown, priced.Cost.Certainty);
        Assert.Equal(Money.FromUsd(0.14m), priced.Cost.Low);
        Assert.Contains("web searches", priced.Cost.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Time_alone_is_not_free_where_tokens_are_billed() =>
        Assert.Equal(CostCertainty.Unknown, Price("openai", "gpt-4o", new() { Milliseconds = 60_000, Requests = 1 }).Cost.Certainty);

    [Fact]
    public void Using_nothing_costs_nothing_and_that_is_known() =>
        Assert.Equal((CostCertainty.Known, Money.Zero), (Price("openai", "gpt-4o", TokenUsage.None).Cost.Certainty, Price("openai", "gpt-4o", TokenUsage.None).Cost.Amount!.Value));

    [Fact]
    public void Negative_counts_are_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Price("openai", "gpt-4o", new() { OutputTokens = -1 }));

    [Theory]
    [InlineData(long.MaxValue, 0)]
    [InlineData(long.MaxValue, long.MaxValue)]
    public void Absurd_counts_have_no_price_and_throw_nothing(long input, long cached)
    {
        var priced = Price("openai", "gpt-4", new() { UncachedInputTokens = input, CachedInputTokens = cached });

        Assert.Equal(CostCertainty.Unknown, priced.Cost.Certainty);
        Assert.Contains("too large", priced.Cost.Reason, StringComparison.Ordinal);
        Assert.Null(PriceBook.BuiltIn.Ceiling("openai", "gpt-4", Summer, input, cached));
    }

    [Fact]
    public void Parts_add_up_to_the_amount() =>
        PricingGen.Queries.Sample(
            query =>
            {
                var priced = PriceBook.BuiltIn.Price(query);
                return priced.Cost.Amount is not { } amount
                    ? priced.Cost.Certainty == CostCertainty.Unknown && priced.Cost.Reason is not null
                    : amount == Money.FromUsd(priced.Parts.Values.Sum()) && priced.Parts.Values.All(part => part > 0m) && priced.Cost.PriceRevision is not null;
            },
            iter: TestSize.Cases);

    [Fact]
    public void No_name_however_odd_throws_or_makes_a_call_free() =>
        Gen.Select(Gen.String.Null(), Gen.String[Gen.Char.AlphaNumeric, 0, 20].Select(host => $"api.{host}.example").Null(), Odd, (provider, host, model) => (provider, host, model)).Sample(
            names =>
            {
                var priced = PriceBook.BuiltIn.Price(new()
                {
                    Provider = names.provider,
                    Host = names.host,
                    Model = names.model,
                    At = Summer,
                    Usage = new() { UncachedInputTokens = 1_000_000 },
                });
                return priced.Cost.Certainty == CostCertainty.Unknown ? priced.Cost.Reason is not null : priced.Cost.Amount > Money.Zero;
            },
            iter: TestSize.Cases);

    [Fact]
    public void Facts_of_a_model_are_known()
    {
        var facts = PriceBook.BuiltIn.Find("openai", "gpt-4o", Summer);

        Assert.Equal(new ModelFacts("openai", "gpt-4o", 128_000, 16_384, "o200k_base"), facts);
    }

    [Theory]
    [InlineData("gpt-4", "cl100k_base")]
    [InlineData("gpt-3.5-turbo", "cl100k_base")]
    [InlineData("text-embedding-3-small", "cl100k_base")]
    [InlineData("gpt-4.1", "o200k_base")]
    [InlineData("gpt-5", "o200k_base")]
    [InlineData("o3", "o200k_base")]
    [InlineData("o4-mini", "o200k_base")]
    public void Encodings_come_from_the_book(string model, string encoding) => Assert.Equal(encoding, PriceBook.BuiltIn.Find("openai", model, Summer)!.Encoding);

    private static PricedUsage Price(string? provider, string? model, TokenUsage usage, DateTimeOffset? at = null, string? tier = null, string? host = null) =>
        PriceBook.BuiltIn.Price(new() { Provider = provider, Host = host, Model = model, At = at ?? Summer, ServiceTier = tier, Usage = usage });
}
