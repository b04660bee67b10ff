using System.Globalization;
using CsCheck;

namespace LlmCostCache.AI.Tests;

/// <summary>Everything that is billed in another unit than tokens of text: one exact example each, and what happens without a rate.</summary>
public class BillingUnitTests
{
    private static readonly DateTimeOffset Summer = new(2026, 8, 23, 0, 0, 0, TimeSpan.Zero);

    private static readonly PriceBook Studio = Book("""
        {"models": [
          {"id": "all", "input": "1", "cached_input": "0.1", "input_image": "4", "cached_image": "0.4", "input_video": "6", "citation": "2", "output": "10", "output_video": "17.5",
           "image": "0.04", "audio_second": "0.0001", "video_second": "0.1", "compute_second": "0.00005", "characters": "15", "storage_gb_day": "0.1", "web_search_call": "0.01"},
          {"id": "text", "input": "1", "input_image": "4", "output": "10"},
          {"id": "fee", "input": "1", "output": "10", "per_request": "0.5"},
          {"id": "tripled", "multiplier": "3", "input": "1", "output": "10", "tiers": [{"above_input_tokens": 10, "input": "2"}], "modes": {"batch": {"input": "0.5", "output": "5"}}},
          {"id": "per-second", "multiplier": "1.5", "compute_second": "0.00005"}
        ]}
        """);

    public static TheoryData<string, long, string, string> Examples => new()
    {
        { nameof(TokenUsage.CachedImageTokens), 1_000_000, "cached_image", "0.4" },
        { nameof(TokenUsage.InputVideoTokens), 1_000_000, "input_video", "6" },
        { nameof(TokenUsage.OutputVideoTokens), 1_000_000, "output_video", "17.5" },
        { nameof(TokenUsage.CitationTokens), 1_000_000, "citation", "2" },
        { nameof(TokenUsage.Images), 3, "image", "0.12" },
        { nameof(TokenUsage.Milliseconds), 61_500, "audio_second", "0.00615" },
        { nameof(TokenUsage.VideoMilliseconds), 8_250, "video_second", "0.825" },
        { nameof(TokenUsage.ComputeMilliseconds), 1, "compute_second", "0.00000005" },
        { nameof(TokenUsage.Characters), 4_096, "characters", "0.06144" },
        { nameof(TokenUsage.StorageByteHours), 36_000_000_000, "storage_gb_day", "0.15" },
    };

    [Theory]
    [MemberData(nameof(Examples))]
    public void Every_unit_is_priced_by_its_own_rate(string member, long count, string part, string usd)
    {
        var priced = Price(Studio, "all", UsageMembers.Only(member, count));

        Assert.Equal((CostCertainty.Known, Money.FromUsd(Decimal(usd))), (priced.Cost.Certainty, priced.Cost.Amount!.Value));
        Assert.Equal((part, Decimal(usd)), (Assert.Single(priced.Parts).Key, priced.Parts[part]));
    }

    [Theory]
    [InlineData(nameof(TokenUsage.Images), "images")]
    [InlineData(nameof(TokenUsage.Milliseconds), "seconds of audio")]
    [InlineData(nameof(TokenUsage.VideoMilliseconds), "seconds of video")]
    [InlineData(nameof(TokenUsage.ComputeMilliseconds), "seconds of compute")]
    [InlineData(nameof(TokenUsage.Characters), "characters")]
    [InlineData(nameof(TokenUsage.StorageByteHours), "storage")]
    public void What_was_used_without_a_rate_is_unknown_and_named(string member, string unit)
    {
        var priced = Price(Studio, "text", UsageMembers.Only(member, 1));

        Assert.Equal(CostCertainty.Unknown, priced.Cost.Certainty);
        Assert.Equal($"the price of 'text' names no rate for {unit}", priced.Cost.Reason);
    }

    [Theory]
    [InlineData(nameof(TokenUsage.Images))]
    [InlineData(nameof(TokenUsage.VideoMilliseconds))]
    [InlineData(nameof(TokenUsage.ComputeMilliseconds))]
    [InlineData(nameof(TokenUsage.StorageByteHours))]
    public void Text_beside_it_does_not_pay_for_an_image_a_video_compute_or_storage(string member)
    {
        var priced = Price(Studio, "text", UsageMembers.Only(member, 1) + new TokenUsage { UncachedInputTokens = 1_000_000 });

        Assert.Equal((CostCertainty.Unknown, Money.FromUsd(1m)), (priced.Cost.Certainty, priced.Cost.Low));
    }

    [Theory]
    [InlineData(nameof(TokenUsage.Milliseconds), nameof(TokenUsage.InputAudioTokens))]
    [InlineData(nameof(TokenUsage.Characters), nameof(TokenUsage.UncachedInputTokens))]
    [InlineData(nameof(TokenUsage.VideoMilliseconds), nameof(TokenUsage.InputVideoTokens))]
    [InlineData(nameof(TokenUsage.Images), nameof(TokenUsage.OutputImageTokens))]
    public void What_is_billed_by_tokens_is_not_billed_again_by_time_or_number(string member, string tokens)
    {
        var alone = Price(Studio, "text", UsageMembers.Only(tokens, 1000));

        Assert.Equal(alone.Cost.Amount, Price(Studio, "text", UsageMembers.Only(tokens, 1000) + UsageMembers.Only(member, 5)).Cost.Amount);
        Assert.NotNull(alone.Cost.Amount);
    }

    [Fact]
    public void Time_beside_a_fee_for_the_request_is_not_billed_again() =>
        Assert.Equal(Money.FromUsd(0.5m), Price(Studio, "fee", new() { Milliseconds = 5, Requests = 1 }).Cost.Amount);

    [Theory]
    [InlineData(nameof(TokenUsage.CachedImageTokens), "4")]
    [InlineData(nameof(TokenUsage.InputVideoTokens), "1")]
    [InlineData(nameof(TokenUsage.CitationTokens), "1")]
    [InlineData(nameof(TokenUsage.OutputVideoTokens), "10")]
    public void A_kind_of_token_without_a_rate_costs_what_its_kin_costs_and_never_less(string member, string usd) =>
        Assert.Equal(Money.FromUsd(Decimal(usd)), Price(Studio, "text", UsageMembers.Only(member, 1_000_000)).Cost.Amount);

    [Fact]
    public void A_coefficient_multiplies_every_rate_of_the_price()
    {
        Assert.Equal(Money.FromUsd(30.00003m), Price(Studio, "tripled", new() { UncachedInputTokens = 10, OutputTokens = 1_000_000 }).Cost.Amount);
        Assert.Equal(Money.FromUsd(0.000066m), Price(Studio, "tripled", new() { UncachedInputTokens = 11 }).Cost.Amount);
        Assert.Equal(Money.FromUsd(0.0000150m), Price(Studio, "tripled", new() { UncachedInputTokens = 10 }, tier: "batch").Cost.Amount);
    }

    [Fact]
    public void Processing_time_with_a_model_coefficient_is_exact_to_the_millisecond() =>
        Assert.Equal(Money.FromUsd(0.00009225m), Price(Studio, "per-second", new() { ComputeMilliseconds = 1_230, Requests = 1 }).Cost.Amount);

    [Theory]
    [InlineData("openai", "whisper-1", nameof(TokenUsage.Milliseconds), 60_000, "0.006")]
    [InlineData("openai", "tts-1", nameof(TokenUsage.Characters), 1_000_000, "15")]
    [InlineData("openai", "sora-2", nameof(TokenUsage.VideoMilliseconds), 8_000, "0.8")]
    [InlineData("openai", "file-search-storage", nameof(TokenUsage.StorageByteHours), (1L << 30) * 24, "0.1")]
    [InlineData("anthropic", "code-execution", nameof(TokenUsage.ComputeMilliseconds), 3_600_000, "0.05")]
    [InlineData("google", "imagen-4.0-fast-generate-001", nameof(TokenUsage.Images), 4, "0.08")]
    [InlineData("openai", "gpt-image-1", nameof(TokenUsage.CachedImageTokens), 1_000_000, "2.5")]
    [InlineData("google", "gemini-embedding-2", nameof(TokenUsage.InputVideoTokens), 1_000_000, "12")]
    [InlineData("google", "gemini-omni-flash-preview", nameof(TokenUsage.OutputVideoTokens), 1_000_000, "17.5")]
    [InlineData("perplexity", "sonar-deep-research", nameof(TokenUsage.CitationTokens), 1_000_000, "2")]
    public void The_built_in_book_prices_every_unit_at_the_vendors_list_price(string provider, string model, string member, long count, string usd) =>
        Assert.Equal(Money.FromUsd(Decimal(usd)), PriceBook.BuiltIn.Price(new() { Provider = provider, Model = model, At = Summer, Usage = UsageMembers.Only(member, count) }).Cost.Amount);

    [Fact]
    public void A_model_that_is_billed_by_the_second_has_no_ceiling_in_tokens() =>
        Assert.Null(PriceBook.BuiltIn.Ceiling("openai", "sora-2", Summer, 0, 0));

    [Fact]
    public void Tokens_that_a_model_reports_beside_its_seconds_cost_nothing_more() =>
        Assert.Equal(Money.FromUsd(0.006m), PriceBook.BuiltIn.Price(new()
        {
            Provider = "openai",
            Model = "whisper-1",
            At = Summer,
            Usage = new() { Milliseconds = 60_000, InputAudioTokens = 900, OutputTokens = 100, Requests = 1 },
        }).Cost.Amount);

    [Fact]
    public void Tokens_alone_of_a_model_that_is_billed_by_the_second_are_unknown()
    {
        var priced = PriceBook.BuiltIn.Price(new() { Provider = "openai", Model = "whisper-1", At = Summer, Usage = new() { InputAudioTokens = 900 } });

        Assert.Equal("the price of 'whisper-1' names no rate for input", priced.Cost.Reason);
    }

    [Fact]
    public void More_of_any_unit_never_costs_less() =>
        Gen.Select(PricingGen.Usages, Gen.Int[0, UsageMembers.All.Count - 1], Gen.Long[1, 1_000_000]).Sample(
            (usage, member, more) =>
            {
                var before = Price(Studio, "all", usage).Cost.Amount;
                return before is null || before <= Price(Studio, "all", usage + UsageMembers.Only(UsageMembers.All[member].Name, more)).Cost.Amount;
            },
            iter: TestSize.Cases);

    [Fact]
    public void A_price_of_code_names_the_same_units()
    {
        var options = new LlmCostsOptions();
        options.Prices.Add(new ModelPrice("studio")
        {
            InputPerMillion = 1m,
            OutputPerMillion = 10m,
            CachedImagePerMillion = 2m,
            InputVideoPerMillion = 3m,
            OutputVideoPerMillion = 4m,
            CitationPerMillion = 5m,
            PerImage = 6m,
            PerAudioSecond = 7m,
            PerVideoSecond = 8m,
            PerComputeSecond = 9m,
            CharactersPerMillion = 10m,
            StoragePerGigabyteDay = 11m,
            Multiplier = 2m,
        });
        var priced = PriceBook.Load(options, null, _ => null).Price(new()
        {
            Model = "studio",
            At = Summer,
            Usage = new()
            {
                CachedImageTokens = 1_000_000,
                InputVideoTokens = 1_000_000,
                OutputVideoTokens = 1_000_000,
                CitationTokens = 1_000_000,
                Images = 1,
                Milliseconds = 1_000,
                VideoMilliseconds = 1_000,
                ComputeMilliseconds = 1_000,
                Characters = 1_000_000,
                StorageByteHours = 24_000_000_000,
            },
        });

        Assert.Equal(Money.FromUsd(2m * (2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10 + 11)), priced.Cost.Amount);
        Assert.Equal([4m, 6m, 8m, 10m, 12m, 14m, 16m, 18m, 20m, 22m], priced.Parts.Values.Order());
    }

    [Theory]
    [InlineData("""{"models": [{"id": "m", "image": "0.1", "output": "1"}]}""", "'input'")]
    [InlineData("""{"models": [{"id": "m", "per_request": "1"}]}""", "'input'")]
    [InlineData("""{"models": [{"id": "m", "image": "0.1", "multiplier": "0"}]}""", "above zero")]
    [InlineData("""{"models": [{"id": "m", "image": "0.1", "multiplier": "1000"}]}""", "at most 100")]
    [InlineData("""{"models": [{"id": "m", "image": "-0.1"}]}""", "negative")]
    public void A_price_that_forgets_or_mistakes_a_rate_is_an_error(string json, string why) =>
        Assert.Contains(why, Assert.Throws<LlmCostException>(() => Book(json)).Message, StringComparison.Ordinal);

    private static PriceBook Book(string json) => PriceBook.Load(new LlmCostsOptions(), null, name => name == "LLMCOSTCACHE_PRICES" ? json : null);

    private static PricedUsage Price(PriceBook book, string model, TokenUsage usage, string? tier = null) =>
        book.Price(new() { Model = model, At = Summer, ServiceTier = tier, Usage = usage });

    private static decimal Decimal(string text) => decimal.Parse(text, CultureInfo.InvariantCulture);
}
