using CsCheck;

namespace LlmCostCache.AI.Tests;

public sealed class PriceOverrideTests : IDisposable
{
    private static readonly DateTimeOffset Summer = new(2026, 8, 20, 0, 0, 0, TimeSpan.Zero);

    private readonly string _home = Directory.CreateTempSubdirectory("llmcost-prices-").FullName;
    private readonly Dictionary<string, string?> _environment = [];
    private readonly LlmCostsOptions _options = new();

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Fact]
    public void Code_beats_environment_beats_home_beats_the_built_in_book()
    {
        Assert.Equal(2.5m, InputOf("gpt-4o"));
        Home("""{"models":[{"id":"gpt-4o","provider":"openai","input":"3","output":"30"}]}""");
        Assert.Equal(3m, InputOf("gpt-4o"));
        _environment["LLMCOSTCACHE_PRICES"] = """{"models":[{"id":"gpt-4o","provider":"openai","input":4,"output":40}]}""";
        Assert.Equal(4m, InputOf("gpt-4o"));
        _options.Prices.Add(new("gpt-4o") { InputPerMillion = 5m, OutputPerMillion = 50m });
        Assert.Equal(5m, InputOf("gpt-4o"));
        Assert.Equal(5m, InputOf("gpt-4o-2024-08-06"));
        Assert.Equal(0.15m, InputOf("gpt-4o-mini"));
    }

    [Fact]
    public void The_environment_can_name_a_file()
    {
        var file = Path.Combine(_home, "mine.json");
        File.WriteAllText(file, """{"models":[{"id":"my-model","input":"1.0","output":"2.0","cached_input":"0.1"}]}""");
        _environment["LLMCOSTCACHE_PRICES"] = file;

        Assert.Equal(1m, InputOf("my-model"));
    }

    [Fact]
    public void A_fine_tune_priced_in_code_has_a_known_cost()
    {
        _options.Prices.Add(new("my-finetune") { InputPerMillion = 1.0m, OutputPerMillion = 2.0m, ContextWindow = 8000, MaxOutputTokens = 1000 });
        var book = Load();
        var priced = book.Price(new() { Provider = "openai", Model = "my-finetune", At = Summer, Usage = new() { UncachedInputTokens = 1_000_000, OutputTokens = 1_000_000 } });

        Assert.Equal(Money.FromUsd(3m), priced.Cost.Amount);
        Assert.StartsWith("any/my-finetune@code#", priced.Cost.PriceRevision, StringComparison.Ordinal);
        Assert.Equal((8000L, 1000L), (book.Find(null, "my-finetune", Summer)!.ContextWindow, book.Find(null, "my-finetune", Summer)!.MaxOutputTokens));
    }

    [Fact]
    public void A_price_for_one_provider_does_not_hold_for_another()
    {
        _options.Prices.Add(new("shared") { Provider = "groq", InputPerMillion = 1m, OutputPerMillion = 2m });
        var book = Load();

        Assert.NotNull(book.Find("groq", "shared", Summer));
        Assert.NotNull(book.Find(null, "shared", Summer));
        Assert.Null(book.Find("together", "shared", Summer));
    }

    [Theory]
    [InlineData("groq")]
    [InlineData("my-gateway")]
    public void What_a_reseller_takes_does_not_hide_the_makers_price_when_nobody_says_who_sold(string reseller)
    {
        Home($$"""{"models":[{"id":"gpt-4o","provider":"{{reseller}}","input":"9","output":"9"}]}""");

        Assert.Equal(("openai", 2.5m), (Load().Find(null, "gpt-4o", Summer)!.Provider, InputOf("gpt-4o", null)));
        Assert.Equal(9m, InputOf("gpt-4o", reseller));
    }

    [Fact]
    public void The_makers_override_beats_a_resellers_of_a_stronger_source()
    {
        _environment["LLMCOSTCACHE_PRICES"] = """{"models":[{"id":"gpt-4o","provider":"groq","input":"9","output":"9"}]}""";
        Home("""{"models":[{"id":"gpt-4o","provider":"openai","input":"3","output":"9"}]}""");

        Assert.Equal(3m, InputOf("gpt-4o", null));
    }

    [Fact]
    public void Resellers_that_differ_leave_no_price_and_are_named_when_nobody_says_who_sold()
    {
        Home("""{"models":[{"id":"their-model","provider":"groq","input":"9","output":"9"},{"id":"their-model","provider":"my-gateway","input":"8","output":"9"}]}""");
        var priced = Load().Price(new() { Model = "their-model", At = Summer, Usage = new() { UncachedInputTokens = 1 } });

        Assert.Equal(CostCertainty.Unknown, priced.Cost.Certainty);
        Assert.Equal("no single price for 'their-model': groq/their-model, my-gateway/their-model differ; name the provider", priced.Cost.Reason);
    }

    [Fact]
    public void A_resellers_override_has_no_more_say_than_the_sellers_of_the_book()
    {
        var sold = ProviderDirectory.Instance.Providers.SelectMany(seller => BuiltInCatalogue.Shared.Of(seller.Id).Entries)
            .First(entry => entry.Provider != "groq" && !entry.Prices[^1].IsFree && PriceBook.BuiltIn.Resolve(null, entry.Id) is { Entry: { } only } && ReferenceEquals(only, entry)
                && !ProviderDirectory.Instance.Providers.Any(maker => maker.Makes(entry.Id)) && !entry.Id.Contains('/', StringComparison.Ordinal));
        Home($$"""{"models":[{"id":"{{sold.Id}}","provider":"groq","input":"777","output":"777"}]}""");

        Assert.Null(Load().Find(null, sold.Id, Summer));
        Assert.Equal(2, Load().Resolve(null, sold.Id).Candidates.Count);
    }

    [Theory]
    [InlineData("my-gateway", null, "'my-gateway' is not in the price book; the list price of openai was used")]
    [InlineData("my-gateway", "llm.corp.example", "'my-gateway' is not in the price book; the list price of openai was used")]
    [InlineData("my-gateway", "api.openai.com", null)]
    [InlineData("openai", "llm.corp.example", null)]
    [InlineData("openai", null, null)]
    [InlineData("", null, null)]
    [InlineData(null, null, null)]
    public void A_list_price_that_was_used_for_a_seller_that_nobody_knows_says_so(string? provider, string? host, string? remark)
    {
        var cost = Load().Price(new() { Provider = provider, Host = host, Model = "gpt-4o", At = Summer, Usage = new() { UncachedInputTokens = 1_000_000 } }).Cost;

        Assert.Equal((CostCertainty.Known, Money.FromUsd(2.5m), remark), (cost.Certainty, cost.Amount!.Value, cost.Reason));
    }

    [Fact]
    public void A_seller_whose_price_or_discount_was_given_is_known()
    {
        Home("""{"models":[{"id":"gpt-4o","provider":"one-gateway","input":"9","output":"9"}],"adjustments":[{"provider":"other-gateway","margin":"0.1"}]}""");

        Assert.All(
            new[] { "one-gateway", "other-gateway" },
            provider => Assert.Null(Load().Price(new() { Provider = provider, Model = "gpt-4o", At = Summer, Usage = new() { UncachedInputTokens = 1 } }).Cost.Reason));
    }

    [Fact]
    public void A_price_of_a_file_can_hold_for_any_provider_below_a_header_that_names_one()
    {
        Home("""{"provider":"acme","models":[{"id":"mine","provider":null,"input":"7","output":"7"}]}""");

        Assert.Equal(7m, InputOf("mine", "groq"));
    }

    [Fact]
    public void An_unlisted_gateway_can_have_its_own_prices()
    {
        Home("""{"models":[{"id":"gpt-4o","provider":"My-Gateway","input":"9","output":"9"}]}""");
        var book = Load();

        Assert.Equal("My-Gateway", book.Find("my-gateway", "gpt-4o", Summer)!.Provider);
        Assert.Equal("openai", book.Find("openai", "gpt-4o", Summer)!.Provider);
    }

    [Fact]
    public void A_deployment_name_stands_for_a_model()
    {
        _options.ModelAliases["Prod-Chat"] = "gpt-4o-mini";
        var facts = Load().Find("azure.ai.openai", "prod-chat", Summer);

        Assert.Equal(("azure", "gpt-4o-mini"), (facts!.Provider, facts.Model));
    }

    [Fact]
    public void A_file_may_have_history_tiers_modes_and_windows()
    {
        Home("""
            {
              "provider": "acme", "currency": "USD", "known_from": "2026-01-02",
              // a comment
              "models": [{"id": "m", "prices": [
                {"effective_from": "2026-06-01", "input": "2", "output": "4", "modes": {"batch": {"input": "1"}},
                 "tiers": [{"above_input_tokens": 100, "input": "20"}], "windows": [{"from": "22:00", "until": "06:00", "output": "1"}]},
                {"input": "1", "output": "2"}]}],
            }
            """);
        var book = Load();
        decimal? Cost(DateTimeOffset at, long tokens, string? tier = null) => book.Price(new()
        {
            Provider = "acme",
            Model = "m",
            At = at,
            ServiceTier = tier,
            Usage = new() { UncachedInputTokens = tokens, OutputTokens = 1 },
        }).NativeCost * 1_000_000m;

        Assert.Equal(102m, Cost(new(2026, 5, 31, 23, 0, 0, TimeSpan.Zero), 100));
        Assert.Equal(204m, Cost(new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero), 100));
        Assert.Equal(2024m, Cost(new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero), 101));
        Assert.Equal(105m, Cost(new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero), 101, "batch"));
        Assert.Equal(201m, Cost(new(2026, 6, 2, 5, 59, 0, TimeSpan.Zero), 100));
    }

    [Theory]
    [InlineData("{\n\"models\":[\n{\"id\":\"m\",\"input\":\"-1\",\"output\":\"1\"}]}", "line 3", "negative")]
    [InlineData("{\n\"models\":[\n{\"id\":\"m\",\n\"inptu\":\"1\",\"output\":\"1\"}]}", "line 4", "'inptu'")]
    [InlineData("{\"models\":[{\"id\":\"m\",\"input\":\"1\",\"output\":\"1\"},\n{\"id\":\"M\",\"input\":\"1\",\"output\":\"1\"}]}", "line 2", "already")]
    [InlineData("{\"models\":[{\"id\":\"m\",\"provider\":\"google\",\"input\":1,\"output\":1},\n{\"id\":\"m\",\"provider\":\"gcp.gemini\",\"input\":1,\"output\":1}]}", "line 2", "already")]
    [InlineData("{\"models\":[\n{\"id\":\"m\",\"output\":\"1\"}]}", "line 2", "'input'")]
    [InlineData("{\"models\":[\n{\"id\":\"m\",\"input\":\"1\"}]}", "line 2", "'output'")]
    [InlineData("{\"models\":[\n{\"input\":\"1\",\"output\":\"1\"}]}", "line 2", "'id'")]
    [InlineData("{\"models\":[\n{\"id\":\"m\",\"input\":\"cheap\",\"output\":\"1\"}]}", "line 2", "'cheap'")]
    [InlineData("{\"models\":[\n{\"id\":\"m\",\"input\":\"NaN\",\"output\":\"1\"}]}", "line 2", "'NaN'")]
    [InlineData("{\"models\":[\n{\"id\":\"m\",\"input\":2500000,\"output\":1}]}", "line 2", "per million")]
    [InlineData("{\"models\":[\n{\"id\":\"m\",\"input\":1,\"output\":1,\"currency\":\"dollars\"}]}", "line 2", "ISO 4217")]
    [InlineData("{\"models\":[\n\n{\"id\":\"m\",\"input\":1,}", "line 3", "")]
    [InlineData("{\n\"models\":[\n{\"id\": oops}]}", "line 3", "JSON")]
    [InlineData("{}", "line 1", "'models'")]
    [InlineData("[]", "line 1", "object")]
    [InlineData("{\"models\":[{\"id\":\"m\",\"input\":1,\"output\":1}]}\n8", "line 2", "JSON")]
    [InlineData("", "line 1", "")]
    public void A_bad_file_is_an_error_that_names_file_and_line(string json, string line, string what)
    {
        Home(json);
        var error = Assert.Throws<LlmCostException>(Load);

        Assert.Contains("prices.json, " + line + ":", error.Message, StringComparison.Ordinal);
        Assert.Contains(what, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_file_is_an_error_of_ours_and_never_a_negative_price()
    {
        var whole = """
            {"schema":"llmcostcache-prices/1","provider":"p","currency":"CNY","known_from":"2026-01-01","models":[{"id":"m","aliases":["a"],"context_window":9,
            "prices":[{"input":"1","output":2e0,"tiers":[{"above_input_tokens":5,"input":3}],"modes":{"batch":{"input":"0.5"}},"windows":[{"from":"01:00","until":"02:00","output":1}]}]}]}
            """u8.ToArray();
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte, Gen.Int[0, whole.Length - 1], (at, value, cut) => (at, value, cut)).Sample(
            damage =>
            {
                var json = whole.ToArray();
                json[damage.at] = damage.value;
                foreach (var text in new[] { json, json[..damage.cut] })
                {
                    try
                    {
                        Assert.All(PriceFileReader.Read(text, "damaged"), entry => Assert.All(entry.Prices, price => Assert.True(price.Rates[RateKind.Input] >= 0m)));
                    }
                    catch (LlmCostException e)
                    {
                        Assert.StartsWith("damaged", e.Message, StringComparison.Ordinal);
                    }
                }
            },
            iter: TestSize.Cases);
    }

    [Fact]
    public void Bad_JSON_in_the_environment_is_an_error_that_names_the_variable()
    {
        _environment["LLMCOSTCACHE_PRICES"] = "{\"models\": nope}";
        Assert.StartsWith("LLMCOSTCACHE_PRICES, line 1:", Assert.Throws<LlmCostException>(Load).Message, StringComparison.Ordinal);

        _environment["LLMCOSTCACHE_PRICES"] = Path.Combine(_home, "missing.json");
        Assert.Contains("missing.json", Assert.Throws<LlmCostException>(Load).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_negative_or_repeated_price_in_code_is_an_error()
    {
        _options.Prices.Add(new("m") { InputPerMillion = 1m, OutputPerMillion = -2m });
        Assert.Contains("'output' is -2", Assert.Throws<LlmCostException>(Load).Message, StringComparison.Ordinal);

        _options.Prices.Clear();
        _options.Prices.Add(new("m") { InputPerMillion = 1m, OutputPerMillion = 2m });
        _options.Prices.Add(new("M") { InputPerMillion = 1m, OutputPerMillion = 2m });
        Assert.Contains("already", Assert.Throws<LlmCostException>(Load).Message, StringComparison.Ordinal);
    }

    private void Home(string json) => File.WriteAllText(Path.Combine(_home, "prices.json"), json);

    private PriceBook Load() => PriceBook.Load(_options, _home, name => _environment.GetValueOrDefault(name));

    private PricedUsage Price(string model, long tokens) =>
        Load().Price(new() { Provider = "openai", Host = "gateway.example", Model = model, At = Summer, Usage = new() { UncachedInputTokens = tokens } });

    private decimal? InputOf(string model, string? provider) =>
        Load().Price(new() { Provider = provider, Model = model, At = Summer, Usage = new() { UncachedInputTokens = 1_000_000 } }).NativeCost;

    private decimal? InputOf(string model) => Price(model, 1_000_000).NativeCost;
}
