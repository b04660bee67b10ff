using CsCheck;

namespace LlmCostCache.AI.Tests;

public sealed class PriceAdjustmentTests : IDisposable
{
    private static readonly DateTimeOffset Summer = new(2026, 8, 20, 0, 0, 0, TimeSpan.Zero);
    private static readonly Gen<decimal> Discount = Gen.Int[0, 1_000_000].Select(millionths => millionths / 1_000_000m);
    private static readonly Gen<decimal> Margin = Gen.Int[0, 4_000_000].Select(millionths => millionths / 1_000_000m);

    private readonly TempHome _home = new();
    private readonly Dictionary<string, string?> _environment = [];
    private readonly LlmCostsOptions _options = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public void The_discount_comes_off_first_and_the_margin_is_on_what_is_left()
    {
        _options.PriceAdjustments.Add(new() { Provider = "openai", Discount = 0.10m, Margin = 0.05m });
        var priced = Price("openai", "gpt-4o");

        // 2.5 + 10 by the list; less 10 % is 11.25; plus 5 % is 11.8125.
        Assert.Equal((12.5m, 11.8125m), (priced.ListCost, priced.NativeCost));
        Assert.Equal(Money.FromUsd(11.8125m), priced.Cost.Amount);
        Assert.Equal((2.3625m, 9.45m), (priced.Parts["input"], priced.Parts["output"]));
        Assert.Equal((0.10m, 0.05m), (priced.Discount, priced.Margin));
        Assert.Matches("^openai/gpt-4o@2026-08-22#[0-9a-f]{8},discount=0.1,margin=0.05$", priced.Cost.PriceRevision);
    }

    [Fact]
    public void Other_providers_keep_their_list_prices()
    {
        _options.PriceAdjustments.Add(new() { Provider = "openai", Discount = 0.10m });

        Assert.Equal(1.5m, Price("anthropic", "claude-3-haiku").NativeCost);
        Assert.Equal(12.5m, Price("azure", "gpt-4o").NativeCost);
        Assert.DoesNotContain("discount", Price("azure", "gpt-4o").Cost.PriceRevision, StringComparison.Ordinal);
    }

    [Fact]
    public void A_reseller_without_a_list_of_its_own_can_have_an_adjustment_too()
    {
        _options.PriceAdjustments.Add(new() { Provider = "azure.ai.openai", Discount = 0.20m });
        _options.PriceAdjustments.Add(new() { Provider = "My-Gateway", Margin = 0.10m });

        Assert.Equal(10m, Price("azure", "gpt-4o").NativeCost);
        Assert.Equal(13.75m, Price("my-gateway", "gpt-4o").NativeCost);
        Assert.Equal(12.5m, Price("openai", "gpt-4o").NativeCost);
    }

    [Fact]
    public void The_adjustment_that_names_the_model_beats_the_one_that_names_the_provider_beats_the_one_for_all()
    {
        _options.PriceAdjustments.Add(new() { Margin = 1m });
        _options.PriceAdjustments.Add(new() { Provider = "openai", Margin = 2m });
        _options.PriceAdjustments.Add(new() { Provider = "openai", Model = "GPT-4o", Discount = 0.5m });

        Assert.Equal(6.25m, Price("openai", "gpt-4o-2024-08-06").NativeCost);
        Assert.Equal(2.25m, Price("openai", "gpt-4o-mini").NativeCost);
        Assert.Equal(3m, Price("anthropic", "claude-3-haiku").NativeCost);
    }

    [Fact]
    public void Code_beats_environment_beats_file()
    {
        File("""{"adjustments":[{"provider":"openai","discount":"0.1"},{"provider":"anthropic","discount":0.5}]}""");
        Assert.Equal(11.25m, Price("openai", "gpt-4o").NativeCost);
        _environment["LLMCOSTCACHE_PRICES"] = """{"adjustments":[{"provider":"openai","discount":"0.2"}]}""";
        Assert.Equal(10m, Price("openai", "gpt-4o").NativeCost);
        _options.PriceAdjustments.Add(new() { Provider = "openai" });
        Assert.Equal(12.5m, Price("openai", "gpt-4o").NativeCost);
        Assert.Equal(0.75m, Price("anthropic", "claude-3-haiku").NativeCost);
    }

    [Fact]
    public void A_price_given_in_code_is_what_is_paid()
    {
        _options.PriceAdjustments.Add(new() { Discount = 0.5m });
        _options.Prices.Add(new("gpt-4o") { Provider = "openai", InputPerMillion = 2m, OutputPerMillion = 8m });

        Assert.Equal((10m, 0m), (Price("openai", "gpt-4o").NativeCost, Price("openai", "gpt-4o").Discount));
    }

    [Fact]
    public void A_price_in_a_file_is_a_list_price()
    {
        File("""{"provider":"acme","models":[{"id":"m","input":"1","output":"1","per_request":"1"}],"adjustments":[{"discount":"0.5"}]}""");

        Assert.Equal(1.5m, Price("acme", "m").NativeCost);
    }

    [Fact]
    public void What_is_free_stays_free_and_is_not_called_discounted()
    {
        _options.PriceAdjustments.Add(new() { Discount = 0.5m, Margin = 1m });
        var priced = Price("ollama", "llama3.2");

        Assert.Equal((CostCertainty.Known, Money.Zero, 0m, 0m), (priced.Cost.Certainty, priced.Cost.Amount!.Value, priced.Discount, priced.Margin));
        Assert.DoesNotContain("discount", priced.Cost.PriceRevision, StringComparison.Ordinal);
    }

    [Fact]
    public void A_discount_of_everything_is_a_known_zero()
    {
        _options.PriceAdjustments.Add(new() { Provider = "openai", Discount = 1m });
        var priced = Price("openai", "gpt-4o");

        Assert.Equal((CostCertainty.Known, Money.Zero), (priced.Cost.Certainty, priced.Cost.Amount!.Value));
        Assert.Equal(12.5m, priced.ListCost);
    }

    [Fact]
    public void A_strict_budget_holds_the_adjusted_ceiling()
    {
        _options.PriceAdjustments.Add(new() { Provider = "openai", Discount = 0.10m, Margin = 0.05m });

        Assert.Equal(Money.FromUsd(12.5m * 0.945m), Load().Ceiling("openai", "gpt-4o", Summer, 1_000_000, 1_000_000, serviceTier: "standard"));
    }

    [Fact]
    public void No_adjusted_call_costs_more_than_its_ceiling() =>
        Gen.Select(PricingGen.Queries, Discount, Margin).Sample(
            (query, discount, margin) =>
            {
                var book = Adjusted(discount, margin);
                var ceiling = book.Ceiling(query.Provider, query.Model, query.At, query.Usage.TotalInputTokens, query.Usage.TotalOutputTokens, null, query.ServiceTier);
                return book.Price(query).Cost.Amount is not { } amount || amount <= ceiling;
            },
            iter: TestSize.Cases / 10);

    [Fact]
    public void An_adjusted_cost_is_the_list_cost_times_both_factors_rounded_once() =>
        Gen.Select(PricingGen.Queries, Discount, Margin).Sample(
            (query, discount, margin) =>
            {
                var list = PriceBook.BuiltIn.Price(query);
                var adjusted = Adjusted(discount, margin).Price(query);
                if (list.Cost.Amount is null)
                {
                    Assert.Null(adjusted.Cost.Amount);
                    return;
                }

                var native = list.NativeCost!.Value * (1m - discount) * (1m + margin);
                Assert.Equal(Math.Round(native, 20), Math.Round(adjusted.NativeCost!.Value, 20));
                Assert.Equal(Money.FromUsd(adjusted.NativeCost.Value / (adjusted.FxRate ?? 1m)), adjusted.Cost.Amount);
                Assert.Equal(adjusted.Cost.Amount, Money.FromUsd(adjusted.Parts.Values.Sum()));
            },
            iter: TestSize.Cases / 10);

    [Fact]
    public void An_adjustment_of_nothing_changes_nothing() =>
        PricingGen.Queries.Sample(
            query =>
            {
                var (list, same) = (PriceBook.BuiltIn.Price(query), Nothing.Price(query));
                Assert.Equal(list.Cost, same.Cost);
                Assert.Equal(list.Parts, same.Parts);
                Assert.Equal(list with { Parts = same.Parts, Cost = same.Cost }, same);
            },
            iter: TestSize.Cases);

    [Theory]
    [InlineData("{\"adjustments\":[\n{\"provider\":\"openai\",\"discount\":\"1.01\"}]}", "line 2", "from 0 to 1")]
    [InlineData("{\"adjustments\":[\n{\"provider\":\"openai\",\"discount\":-0.1}]}", "line 2", "from 0 to 1")]
    [InlineData("{\"adjustments\":[\n\n{\"provider\":\"openai\",\"margin\":\"-0.1\"}]}", "line 3", "from 0 to 4")]
    [InlineData("{\"adjustments\":[\n{\"provider\":\"openai\",\"margin\":5}]}", "line 2", "five percent is 0.05")]
    [InlineData("{\"adjustments\":[\n{\"provider\":\"openai\",\"discount\":\"0.1234567\"}]}", "line 2", "six decimals")]
    [InlineData("{\"adjustments\":[\n{\"provider\":\"openai\",\"discount\":\"ten\"}]}", "line 2", "share")]
    [InlineData("{\"adjustments\":[\n{\"provider\":\"openai\",\n\"rebate\":\"0.1\"}]}", "line 3", "'rebate'")]
    [InlineData("{\"adjustments\":[{\"provider\":\"google\",\"discount\":0.1},\n{\"provider\":\"gcp.gemini\",\"discount\":0.2}]}", "line 2", "twice")]
    [InlineData("{\"adjustments\":{}}", "line 1", "must be a list")]
    [InlineData("{\"adjustments\":[]}", "line 1", "'models'")]
    public void A_bad_adjustment_in_a_file_is_an_error_that_names_file_and_line(string json, string line, string what)
    {
        File(json);
        var error = Assert.Throws<LlmCostException>(Load).Message;

        Assert.Contains($"prices.json, {line}: ", error, StringComparison.Ordinal);
        Assert.Contains(what, error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bad_adjustment_in_code_is_an_error_that_names_the_option()
    {
        _options.PriceAdjustments.Add(new() { Provider = "openai", Discount = 10m });
        Assert.StartsWith("LlmCostsOptions.PriceAdjustments, 'openai': the discount is 10; it is a share from 0 to 1", Assert.Throws<LlmCostException>(Load).Message, StringComparison.Ordinal);

        _options.PriceAdjustments.Clear();
        _options.PriceAdjustments.Add(new() { Provider = "openai", Model = "m" });
        _options.PriceAdjustments.Add(new() { Provider = "OpenAI", Model = "M" });
        Assert.Contains("is there twice", Assert.Throws<LlmCostException>(Load).Message, StringComparison.Ordinal);
    }

    private static PriceBook Nothing { get; } = Adjusted(0m, 0m);

    private static PriceBook Adjusted(decimal discount, decimal margin) =>
        PriceBook.Load(new() { PriceAdjustments = { new() { Discount = discount, Margin = margin } } }, null, _ => null);

    private void File(string json) => System.IO.File.WriteAllText(Path.Combine(_home.Path, "prices.json"), json);

    private PriceBook Load() => PriceBook.Load(_options, _home.Path, name => _environment.GetValueOrDefault(name));

    private PricedUsage Price(string provider, string model) =>
        Load().Price(new() { Provider = provider, Model = model, At = Summer, Usage = new() { UncachedInputTokens = 1_000_000, OutputTokens = 1_000_000, Requests = 1 } });
}
