using System.Globalization;

namespace LlmCostCache.AI.Tests;

/// <summary>Premiums for the geography that serves a call, and for speed.</summary>
public class RegionTests
{
    private static readonly DateTimeOffset Summer = new(2026, 8, 23, 0, 0, 0, TimeSpan.Zero);

    private static readonly TokenUsage s_million = new()
    {
        UncachedInputTokens = 100_000,
        CachedInputTokens = 100_000,
        CacheWrite5mTokens = 100_000,
        CacheWrite1hTokens = 100_000,
        OutputTokens = 100_000,
    };

    [Theory]
    [InlineData(null, "4.675")]
    [InlineData("", "4.675")]
    [InlineData("global", "4.675")]
    [InlineData("not_available", "4.675")]
    [InlineData("eu", "4.675")]
    [InlineData("us", "5.1425")]
    [InlineData("US", "5.1425")]
    public void Inference_in_the_United_States_costs_a_tenth_more_on_every_kind_of_token(string? region, string usd) =>
        Assert.Equal(Usd(usd), Price("anthropic", "claude-opus-4-8", s_million, region).Cost.Amount);

    [Fact]
    public void A_premium_leaves_searches_at_their_price()
    {
        var priced = Price("anthropic", "claude-sonnet-4-6", new() { UncachedInputTokens = 1_000_000, WebSearches = 10 }, "us");

        Assert.Equal((3.3m, 0.1m), (priced.Parts["input"], priced.Parts["web_search"]));
        Assert.Equal("us", priced.Region);
    }

    [Fact]
    public void A_model_that_cannot_be_bound_to_a_geography_costs_the_same_everywhere() =>
        Assert.Equal(Price("anthropic", "claude-sonnet-4-5", s_million, null).Cost.Amount, Price("anthropic", "claude-sonnet-4-5", s_million, "us").Cost.Amount);

    [Theory]
    [InlineData("batch", "us", "2.75")]
    [InlineData("fast", null, "10")]
    [InlineData("fast", "us", "11")]
    public void Premiums_multiply_with_batch_and_fast_mode(string tier, string? region, string usd) =>
        Assert.Equal(Usd(usd), Price("anthropic", "claude-opus-5", new() { UncachedInputTokens = 1_000_000 }, region, tier).Cost.Amount);

    [Theory]
    [InlineData(200_000, "6")]
    [InlineData(200_001, "12.00006")]
    public void Fast_mode_multiplies_the_long_context_tier_as_well(long input, string usd)
    {
        // Claude Opus 4.6 until 2026-03-12: 30 up to 200,000 tokens and 60 above them, which is six times 5 and 10.
        var launch = new DateTimeOffset(2026, 2, 20, 0, 0, 0, TimeSpan.Zero);
        var priced = PriceBook.BuiltIn.Price(new()
        {
            Provider = "anthropic",
            Model = "claude-opus-4-6",
            At = launch,
            ServiceTier = "fast",
            Usage = new() { UncachedInputTokens = input },
        });

        Assert.Equal(Usd(usd), priced.Cost.Amount);
    }

    [Fact]
    public void Fast_mode_of_a_model_that_has_none_is_unknown() =>
        Assert.Equal(CostCertainty.Unknown, Price("anthropic", "claude-sonnet-5", s_million, "us", "fast").Cost.Certainty);

    [Theory]
    [InlineData("api.openai.com", "0.51")]
    [InlineData("eu.api.openai.com", "0.56")]
    [InlineData("https://us.api.openai.com/v1", "0.56")]
    [InlineData("jp.api.openai.com", "0.56")]
    [InlineData(null, "0.51")]
    public void The_regional_hosts_of_OpenAI_cost_a_tenth_more(string? host, string usd) =>
        Assert.Equal(Usd(usd), PriceBook.BuiltIn.Price(new()
        {
            Provider = "openai",
            Host = host,
            Model = "gpt-5.4",
            At = Summer,
            Usage = new() { UncachedInputTokens = 200_000, WebSearches = 1 },
        }).Cost.Amount);

    [Fact]
    public void The_host_says_which_geography_it_was()
    {
        var query = new PriceQuery { Provider = "openai", Host = "eu.api.openai.com", Model = "gpt-5.4", At = Summer, Usage = s_million };

        Assert.Equal("eu", PriceBook.BuiltIn.Price(query).Region);
        Assert.Equal("global", PriceBook.BuiltIn.Price(query with { Host = "api.openai.com" }).Region);
        Assert.Null(PriceBook.BuiltIn.Price(query with { Host = null }).Region);
    }

    [Fact]
    public void Models_from_before_March_2026_cost_the_same_on_every_host() =>
        Assert.Equal(
            PriceBook.BuiltIn.Price(new() { Provider = "openai", Model = "gpt-4o", At = Summer, Usage = s_million }).Cost.Amount,
            PriceBook.BuiltIn.Price(new() { Provider = "openai", Host = "eu.api.openai.com", Model = "gpt-4o", At = Summer, Usage = s_million }).Cost.Amount);

    [Fact]
    public void A_price_file_can_name_premiums()
    {
        var book = Book("""{"models": [{"id": "m", "input": "1", "output": "2", "image": "1", "storage_gb_day": "1", "regions": {"eu": "1.5", "*": "2"}, "modes": {"fast": {"multiplier": "4"}}}]}""");

        Assert.Equal([1m, 1.5m, 2m, 1m], new[] { null, "eu", "ap", "global" }.Select(region => Input(region, null)));
        Assert.Equal(6m, Input("eu", "fast"));
        Assert.Equal((1.5m, 1m), (Part("image", new() { Images = 1 }), Part("storage_gb_day", new() { StorageByteHours = 24_000_000_000 })));

        decimal Input(string? region, string? tier) =>
            book.Price(new() { Model = "m", At = Summer, Region = region, ServiceTier = tier, Usage = new() { UncachedInputTokens = 1_000_000 } }).NativeCost!.Value;
        decimal Part(string name, TokenUsage usage) => book.Price(new() { Model = "m", At = Summer, Region = "eu", Usage = usage }).Parts[name];
    }

    [Fact]
    public void A_price_of_code_can_name_premiums()
    {
        var options = new LlmCostsOptions();
        options.Prices.Add(new ModelPrice("m") { InputPerMillion = 1m, OutputPerMillion = 2m, Regions = { ["us"] = 1.1m } });

        Assert.Equal(Usd("1.1"), PriceBook.Load(options, null, _ => null).Price(new() { Model = "m", At = Summer, Region = "us", Usage = new() { UncachedInputTokens = 1_000_000 } }).Cost.Amount);

        options.Prices[0].Regions["us"] = 0m;
        Assert.Throws<LlmCostException>(() => PriceBook.Load(options, null, _ => null));
    }

    [Theory]
    [InlineData("""{"models": [{"id": "m", "input": "1", "output": "2", "regions": {"us": "0"}}]}""", "line 1: the multiplier 'us' must be above zero")]
    [InlineData("""{"models": [{"id": "m", "input": "1", "output": "2", "regions": {"us": "1.1", "US": "1.2"}}]}""", "the region 'US' is there twice")]
    [InlineData("""{"models": [{"id": "m", "input": "1", "output": "2", "regions": "us"}]}""", "'regions' must be a JSON object")]
    public void A_wrong_premium_is_an_error_with_its_line(string json, string why) =>
        Assert.Contains(why, Assert.Throws<LlmCostException>(() => Book(json)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_premium_is_part_of_the_revision()
    {
        string? Revision(string more) => Book($$"""{"models": [{"id": "m", "input": "1", "output": "2"{{more}}}]}""").Price(new() { Model = "m", At = Summer, Usage = s_million }).Cost.PriceRevision;

        Assert.Equal(5, new[] { "", ""","regions": {"us": "1.1"}""", ""","regions": {"us": "1.2"}""", ""","modes": {"fast": {"multiplier": "2"}}""", ""","modes": {"fast": {"multiplier": "3"}}""" }
            .Select(Revision).Distinct().Count());
    }

    [Fact]
    public void A_budget_reserves_the_premium_that_nothing_rules_out()
    {
        var fraction = 25_000_000_000L / 1000;
        Assert.Equal(fraction * 11 / 10, PriceBook.BuiltIn.Ceiling("anthropic", "claude-opus-5", Summer, 0, 1000)!.Value.Nanos);
        Assert.Equal(fraction * 22 / 10, PriceBook.BuiltIn.Ceiling("anthropic", "claude-opus-5", Summer, 0, 1000, serviceTier: "fast")!.Value.Nanos);
        Assert.Equal(fraction, PriceBook.BuiltIn.Ceiling("anthropic", "claude-opus-4-5", Summer, 0, 1000)!.Value.Nanos);
    }

    [Fact]
    public void A_host_of_OpenAI_rules_its_premium_in_or_out()
    {
        var plain = PriceBook.BuiltIn.Ceiling("openai", "gpt-5.4", Summer, 1000, 1000, "api.openai.com", "standard")!.Value.Nanos;

        Assert.Equal(plain * 11 / 10, PriceBook.BuiltIn.Ceiling("openai", "gpt-5.4", Summer, 1000, 1000, "eu.api.openai.com", "standard")!.Value.Nanos);
        Assert.Equal(plain * 11 / 10, PriceBook.BuiltIn.Ceiling("openai", "gpt-5.4", Summer, 1000, 1000, null, "standard")!.Value.Nanos);
    }

    private static PriceBook Book(string json) => PriceBook.Load(new LlmCostsOptions(), null, name => name == "LLMCOSTCACHE_PRICES" ? json : null);

    private static PricedUsage Price(string provider, string model, TokenUsage usage, string? region, string? tier = null) =>
        PriceBook.BuiltIn.Price(new() { Provider = provider, Model = model, At = Summer, Region = region, ServiceTier = tier, Usage = usage });

    private static Money Usd(string text) => Money.FromUsd(decimal.Parse(text, CultureInfo.InvariantCulture));
}
