using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace LlmCostCache.AI.Tests;

public sealed class ServiceCollectionTests : IDisposable
{
    private readonly TempHome _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task Clients_of_a_container_share_its_LlmCosts()
    {
        var services = new ServiceCollection();
        services.AddLlmCostCache(o => o.HomeDirectory = _home.Path);
        services.AddChatClient(new FakeChatClient()).UseCostCache().UseBudget();
        services.AddKeyedChatClient("other", new FakeChatClient("gpt-4o")).UseCostCache().UseBudget();
        await using var provider = services.BuildServiceProvider();

        await provider.GetRequiredService<IChatClient>().GetResponseAsync("Hello");
        await provider.GetRequiredKeyedService<IChatClient>("other").GetResponseAsync("Hello");

        var costs = provider.GetRequiredService<LlmCosts>();
        Assert.Same(costs, provider.GetRequiredService<IChatClient>().GetService<LlmCosts>());
        Assert.Same(costs, provider.GetRequiredKeyedService<IChatClient>("other").GetService<LlmCosts>());
        Assert.Equal(_home.Path, costs.HomeDirectory);
    }

    [Fact]
    public async Task A_pipeline_built_with_two_providers_uses_the_LlmCosts_of_each()
    {
        using var otherHome = new TempHome();
        await using var first = new ServiceCollection().AddLlmCostCache(o => o.HomeDirectory = _home.Path).BuildServiceProvider();
        await using var second = new ServiceCollection().AddLlmCostCache(o => o.HomeDirectory = otherHome.Path).BuildServiceProvider();
        var builder = new FakeChatClient().AsBuilder().UseCostCache().UseBudget();

        Assert.Same(first.GetRequiredService<LlmCosts>(), builder.Build(first).GetService<LlmCosts>());
        Assert.Same(second.GetRequiredService<LlmCosts>(), builder.Build(second).GetService<LlmCosts>());
    }

    [Fact]
    public async Task Wrong_options_stop_the_host_when_it_starts_and_name_the_option()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddLlmCostCache(o =>
        {
            o.HomeDirectory = _home.Path;
            o.ReservationTimeout = TimeSpan.Zero;
        });
        using var host = builder.Build();
        var error = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync());
        Assert.Contains("ReservationTimeout", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_and_budgets_come_from_configuration()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["LlmCostCache:HomeDirectory"] = _home.Path,
            ["LlmCostCache:TimeZone"] = "Europe/Berlin",
            ["LlmCostCache:ModelAliases:my-deployment"] = "gpt-4o-mini",
            ["LlmCostCache:Budgets:0:Period"] = "Day",
            ["LlmCostCache:Budgets:0:Limit"] = "0.50",
            ["LlmCostCache:Budgets:0:User"] = "*",
            ["LlmCostCache:Budgets:1:Period"] = "Monthly",
            ["LlmCostCache:Budgets:1:Limit"] = "200",
            ["LlmCostCache:Budgets:1:Project"] = "my-app",
            ["LlmCostCache:Budgets:1:Mode"] = "warn",
            ["LlmCostCache:Budgets:1:Name"] = "app",
            ["LlmCostCache:Budgets:2:Period"] = "Rolling",
            ["LlmCostCache:Budgets:2:Span"] = "7.00:00:00",
            ["LlmCostCache:Budgets:2:Limit"] = "5000000",
            ["LlmCostCache:Budgets:2:Unit"] = "tokens",
            ["LlmCostCache:Budgets:2:Team"] = "search",
            ["LlmCostCache:Budgets:2:User"] = "*",
            ["LlmCostCache:Budgets:3:Period"] = "Quarter",
            ["LlmCostCache:Budgets:3:Limit"] = "600",
            ["LlmCostCache:FiscalYearStart"] = "4",
        }).Build();
        await using var provider = new ServiceCollection().AddLlmCostCache(configuration.GetSection("LlmCostCache")).BuildServiceProvider();
        var options = provider.GetRequiredService<LlmCosts>().Options;

        Assert.Equal("Europe/Berlin", options.TimeZone.Id);
        Assert.Equal("gpt-4o-mini", options.ModelAliases["MY-DEPLOYMENT"]);
        Assert.Equal(4, options.FiscalYearStart);
        Assert.Equal(
            [
                Budget.Daily(0.5m).ForEachUser(),
                Budget.Monthly(200m).ForProject("my-app").Warn().Named("app"),
                Budget.Rolling(BudgetAmount.Tokens(5_000_000), TimeSpan.FromDays(7)).ForTeam("search").ForEachUser(),
                Budget.Quarterly(600m),
            ],
            options.Budgets);
    }

    [Fact]
    public void What_the_cache_does_comes_from_configuration()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["CacheNamespace"] = "app",
            ["AllowSharedCacheWithoutNamespace"] = "true",
            ["DistributedCacheTimeout"] = "00:00:00.120",
            ["CacheExcerpts"] = "false",
            ["CacheNormalization"] = "LineEndings, TrailingBlanks",
        }).Build();
        var options = new LlmCostsOptions();
        LlmCostsConfiguration.Bind(configuration, options);

        Assert.Equal(("app", true, false), (options.CacheNamespace, options.AllowSharedCacheWithoutNamespace, options.CacheExcerpts));
        Assert.Equal(TimeSpan.FromMilliseconds(120), options.DistributedCacheTimeout);
        Assert.Equal(CacheNormalization.LineEndings | CacheNormalization.TrailingBlanks, options.CacheNormalization);
    }

    [Fact]
    public void Every_option_is_known_to_configuration_if_only_to_say_that_it_is_set_in_code()
    {
        foreach (var property in typeof(LlmCostsOptions).GetProperties())
        {
            var configuration = new ConfigurationBuilder().AddInMemoryCollection([new(property.Name, "?")]).Build();
            var error = Record.Exception(() => LlmCostsConfiguration.Bind(configuration, new LlmCostsOptions()));
            Assert.DoesNotContain("not an option", error?.Message ?? "", StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Prices_discounts_and_exchange_rates_come_from_configuration()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["HomeDirectory"] = _home.Path,
            ["ProviderCosts"] = "ignore",
            ["Prices:0:Model"] = "mine",
            ["Prices:0:Provider"] = "acme",
            ["Prices:0:Currency"] = "CNY",
            ["Prices:0:InputPerMillion"] = "1.5",
            ["Prices:0:OutputPerMillion"] = "3",
            ["Prices:0:PerRequest"] = "0.05",
            ["Prices:0:ContextWindow"] = "9000",
            ["Prices:0:Regions:us"] = "1.1",
            ["Prices:0:VolumeSteps:0:AboveRequests"] = "10",
            ["Prices:0:VolumeSteps:0:PerRequest"] = "0.02",
            ["PriceAdjustments:0:Provider"] = "openai",
            ["PriceAdjustments:0:Discount"] = "0.10",
            ["PriceAdjustments:0:Margin"] = "0.05",
            ["ExchangeRates:0:Currency"] = "CNY",
            ["ExchangeRates:0:PerDollar"] = "7.1",
            ["ExchangeRates:0:Day"] = "2026-08-22",
        }).Build();
        await using var provider = new ServiceCollection().AddLlmCostCache(configuration).BuildServiceProvider();
        var costs = provider.GetRequiredService<LlmCosts>();

        Assert.Equal([new ExchangeRate("CNY", 7.1m, new DateOnly(2026, 8, 22))], costs.Options.ExchangeRates);
        Assert.Equal([new PriceAdjustment { Provider = "openai", Discount = 0.10m, Margin = 0.05m }], costs.Options.PriceAdjustments);
        Assert.Equal(ProviderCostPolicy.Ignore, costs.Options.ProviderCosts);
        Assert.Equal(9000, costs.Prices.Find("acme", "mine", default)!.ContextWindow);
        var priced = costs.Prices.Price(new()
        {
            Provider = "acme",
            Model = "mine",
            At = new(2026, 9, 1, 0, 0, 0, TimeSpan.Zero),
            Region = "us",
            RequestsBefore = 10,
            Usage = new() { UncachedInputTokens = 1_000_000, OutputTokens = 1_000_000, Requests = 1 },
        });
        Assert.Equal((4.97m, 7.1m), (priced.NativeCost, priced.FxRate));
    }

    [Fact]
    public void Every_rate_of_a_price_can_come_from_configuration()
    {
        var rates = typeof(ModelPrice).GetProperties().Where(property => property.CanWrite && (Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType) != typeof(string)).ToArray();
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
            rates.Select((rate, i) => KeyValuePair.Create<string, string?>($"Prices:0:{rate.Name}", $"{i + 1}")).Append(new("Prices:0:Model", "m"))).Build();
        var options = new LlmCostsOptions();
        LlmCostsConfiguration.Bind(configuration, options);

        Assert.Equal(Enumerable.Range(1, rates.Length).Select(i => (decimal)i), rates.Select(rate => Convert.ToDecimal(rate.GetValue(options.Prices[0]), System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Theory]
    [InlineData("Prices:0:InputPerMillion", "1", "'Prices:0' has no Model")]
    [InlineData("PriceAdjustments:0:Rebate", "0.1", "not an option")]
    [InlineData("PriceAdjustments:0:Discount", "ten", "a share like 0.10")]
    [InlineData("ExchangeRates:0:Currency", "CNY", "'ExchangeRates:0' has no PerDollar")]
    [InlineData("UsageRules:acme", "x", "can only be set in code")]
    [InlineData("TimeZone", "Europe/Atlantis", "IANA zone")]
    [InlineData("AllowSharedCacheWithoutNamespace", "perhaps", "true or false")]
    [InlineData("DistributedCacheTimeout", "soon", "a time span")]
    [InlineData("CacheNormalization", "Everything", "LineEndings")]
    [InlineData("Budgts", "x", "not an option")]
    [InlineData("Budgets:0:Limit", "-1", "zero or more")]
    [InlineData("Budgets:0:Limit", "ten", "amount in US dollars")]
    [InlineData("Budgets:0:Limit", "2,50", "amount in US dollars")]
    [InlineData("Budgets:0:Usr", "alice", "not an option")]
    [InlineData("Budgets:0:Period", "Fortnight", "PerCall, Minute, Hour")]
    [InlineData("Budgets:0:Period", "Rolling", "has no Span")]
    [InlineData("Budgets:0:Span", "01:00:00", "only the period Rolling")]
    [InlineData("Budgets:0:Unit", "Bytes", "Usd, Tokens, Requests")]
    [InlineData("Budgets:0:Name", "", "Budgets:0:Name")]
    [InlineData("Budgets:0:Name", "*", "Budgets:0:Name")]
    [InlineData("Budgets:0:User", " ", "Budgets:0:User")]
    [InlineData("Budgets:0:Model", "*", "Budgets:0:Model")]
    [InlineData("FiscalYearStart", "13", "from 1 (January) to 12")]
    public void A_key_or_value_that_cannot_be_read_is_named(string key, string value, string expected)
    {
        var entries = new Dictionary<string, string?> { ["HomeDirectory"] = _home.Path };
        if (key.StartsWith("Budgets", StringComparison.Ordinal))
        {
            (entries["Budgets:0:Period"], entries["Budgets:0:Limit"]) = ("Day", "1");
        }

        entries[key] = value;
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(entries).Build();
        using var provider = new ServiceCollection().AddLlmCostCache(configuration).BuildServiceProvider();
        var error = Assert.Throws<OptionsValidationException>(provider.GetRequiredService<LlmCosts>);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Contains(key.Split(':')[0], error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Regions")]
    [InlineData("VolumeSteps")]
    public void Parts_of_a_price_that_are_written_as_one_value_are_not_passed_over(string key)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
            [new("Prices:0:Model", "my-model"), new("Prices:0:InputPerMillion", "1"), new("Prices:0:OutputPerMillion", "2"), new($"Prices:0:{key}", "1.1")]).Build();
        var error = Assert.Throws<OptionsValidationException>(() => LlmCostsConfiguration.Bind(configuration, new LlmCostsOptions()));
        Assert.Contains($"Prices:0:{key}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_of_the_cache_that_are_written_as_one_value_are_not_passed_over()
    {
        var (first, second) = (Convert.ToBase64String(new byte[32]), Convert.ToBase64String([.. Enumerable.Repeat((byte)1, 32)]));
        var options = new LlmCostsOptions();
        LlmCostsConfiguration.Bind(With($"{first}, {second}"), options);

        Assert.Equal([CacheEncryptionKey.FromBase64(first).Id, CacheEncryptionKey.FromBase64(second).Id], options.CacheEncryptionKeys.Select(key => key.Id));
        var wrong = Assert.Throws<OptionsValidationException>(() => LlmCostsConfiguration.Bind(With("hunter2"), new LlmCostsOptions()));
        Assert.Contains("CacheEncryptionKeys", wrong.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", wrong.Message, StringComparison.Ordinal);

        static IConfiguration With(string keys) => new ConfigurationBuilder().AddInMemoryCollection([new("CacheEncryptionKeys", keys)]).Build();
    }

    [Fact]
    public async Task Embedding_generators_find_it_too()
    {
        var services = new ServiceCollection();
        services.AddLlmCostCache(o => o.HomeDirectory = _home.Path);
        services.AddEmbeddingGenerator(new FakeEmbeddingGenerator()).UseCostCache().UseBudget().UseUsageMetering();
        await using var provider = services.BuildServiceProvider();
        var generator = provider.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>();

        Assert.Same(provider.GetRequiredService<LlmCosts>(), generator.GetService<LlmCosts>());
    }

    [Fact]
    public void The_secret_and_the_keys_of_the_cache_come_from_configuration_and_do_what_they_say()
    {
        var key = Convert.ToBase64String(Enumerable.Range(0, 32).Select(i => (byte)i).ToArray());
        var older = Convert.ToBase64String(new byte[32]);
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["CacheSecret"] = "a secret of sixteen or more bytes",
            ["CacheEncryptionKeys:0"] = key,
            ["CacheEncryptionKeys:1"] = older,
        }).Build();
        var options = new LlmCostsOptions();
        LlmCostsConfiguration.Bind(configuration, options);

        // The first key encrypts.
        Assert.Equal([CacheEncryptionKey.FromBase64(key).Id, CacheEncryptionKey.FromBase64(older).Id], options.CacheEncryptionKeys.Select(one => one.Id));
        Assert.Equal(CacheEncryptionKey.FromBase64(key).Id, AnswerSeal.Of(options).KeyId);
        var digest = new byte[CacheKey.Size];
        Assert.Equal(AnswerSeal.Of(new CacheSecret("a secret of sixteen or more bytes"), []).Keys.Seal(digest), AnswerSeal.Of(options).Keys.Seal(digest));
    }

    [Theory]
    [InlineData("CacheSecret", "short")]
    [InlineData("CacheEncryptionKeys:0", "not base64, and canary")]
    [InlineData("CacheEncryptionKeys:0", "c2hvcnQ=")]
    public void A_secret_or_key_that_cannot_be_used_is_refused_and_not_repeated(string name, string value)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { [name] = value }).Build();

        var error = Assert.Throws<OptionsValidationException>(() => LlmCostsConfiguration.Bind(configuration, new LlmCostsOptions()));

        Assert.Contains($"'{name}'", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain($"'{value}'", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("canary", error.Message, StringComparison.Ordinal);
    }
}
