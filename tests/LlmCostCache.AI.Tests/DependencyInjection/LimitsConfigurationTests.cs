using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace LlmCostCache.AI.Tests;

/// <summary>Rate limits, retries and guards in appsettings.</summary>
public sealed class LimitsConfigurationTests : IDisposable
{
    private readonly TempHome _home = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public void Everything_can_be_written_in_a_configuration()
    {
        var options = Options(
            ("RateLimiting:MaxWait", "00:00:20"), ("RateLimiting:MaxWaiting", "50"),
            ("RateLimiting:Limits:0:Unit", "Requests"), ("RateLimiting:Limits:0:Limit", "60"), ("RateLimiting:Limits:0:Per", "00:01:00"),
            ("RateLimiting:Limits:1:Unit", "tokens"), ("RateLimiting:Limits:1:Limit", "90000"), ("RateLimiting:Limits:1:Per", "00:01:00"),
            ("RateLimiting:Limits:1:Algorithm", "TokenBucket"), ("RateLimiting:Limits:1:Burst", "30000"), ("RateLimiting:Limits:1:Model", "gpt-4o"),
            ("RateLimiting:Limits:2:Unit", "Cost"), ("RateLimiting:Limits:2:Limit", "2.50"), ("RateLimiting:Limits:2:Per", "01:00:00"),
            ("RateLimiting:Limits:2:User", "*"), ("RateLimiting:Limits:2:AcrossModels", "true"), ("RateLimiting:Limits:2:Name", "fair share"),
            ("Retries:MaxRetries", "5"), ("Retries:Delay", "00:00:02"), ("Retries:MaxDelay", "00:00:40"), ("Retries:MaxRetryAfter", "00:02:00"),
            ("Runaway:MaxCostPerRun", "1.25"), ("Runaway:MaxCallsPerRun", "40"), ("Runaway:MaxRepeatedToolRounds", ""), ("Runaway:Run", "Agent"),
            ("Runaway:IdleTimeout", "02:00:00"), ("Runaway:RepeatableTools:0", "wait_for_build"));
        Assert.Equal(
            [
                RateLimit.Requests(60, TimeSpan.FromMinutes(1)),
                RateLimit.Tokens(90_000, TimeSpan.FromMinutes(1)).AsTokenBucket(30_000).ForModel("gpt-4o"),
                RateLimit.Cost(2.50m, TimeSpan.FromHours(1)).ForEachUser().AcrossModels().Named("fair share"),
            ],
            options.RateLimiting.Limits);
        Assert.Equal((TimeSpan.FromSeconds(20), 50), (options.RateLimiting.MaxWait, options.RateLimiting.MaxWaiting));
        Assert.Equal((5, 2, 40, 120), (options.Retries.MaxRetries, (int)options.Retries.Delay.TotalSeconds, (int)options.Retries.MaxDelay.TotalSeconds, (int)options.Retries.MaxRetryAfter.TotalSeconds));
        Assert.Equal((1.25m, 40, (int?)null, RunawayScope.Agent, TimeSpan.FromHours(2)),
            (options.Runaway.MaxCostPerRun, options.Runaway.MaxCallsPerRun, options.Runaway.MaxRepeatedToolRounds, options.Runaway.Run, options.Runaway.IdleTimeout));
        Assert.Equal(["wait_for_build"], options.Runaway.RepeatableTools);
    }

    [Fact]
    public void Null_in_JSON_means_as_often_as_it_likes()
    {
        using var json = new MemoryStream("{\"Runaway\": {\"MaxRepeatedToolRounds\": null, \"MaxCallsPerRun\": 40}}"u8.ToArray());
        var options = new LlmCostsOptions();
        LlmCostsConfiguration.Bind(new ConfigurationBuilder().AddJsonStream(json).Build(), options);
        Assert.Equal((null, 40), (options.Runaway.MaxRepeatedToolRounds, options.Runaway.MaxCallsPerRun));
    }

    [Theory]
    [InlineData("Budgets")]
    [InlineData("BudgetWebhooks")]
    [InlineData("Prices")]
    [InlineData("PriceAdjustments")]
    [InlineData("ExchangeRates")]
    [InlineData("ModelAliases")]
    [InlineData("RateLimiting")]
    [InlineData("RateLimiting:Limits")]
    [InlineData("Retries")]
    [InlineData("Runaway")]
    [InlineData("Runaway:RepeatableTools")]
    public void One_value_where_several_belong_is_not_passed_over(string key)
    {
        var failure = Assert.Throws<OptionsValidationException>(() => Options((key, "10 a day")));
        Assert.Contains(key, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("RateLimiting:MaxWait", "two minutes")]
    [InlineData("RateLimiting:MaxWait", "02:00:00")]
    [InlineData("RateLimiting:MaxWaiting", "-1")]
    [InlineData("RateLimiting:Wait", "1")]
    [InlineData("RateLimiting:Limiter", "x")]
    [InlineData("RateLimiting:Limits:0:Unit", "Requests")]
    [InlineData("Retries:MaxRetries", "21")]
    [InlineData("Retries:Retries", "1")]
    [InlineData("Runaway:MaxCostPerRun", "0")]
    [InlineData("Runaway:MaxCostPerRun", "2,50")]
    [InlineData("Runaway:MaxRepeatedToolRounds", "1")]
    [InlineData("Runaway:Run", "Life")]
    public void What_cannot_be_read_is_named(string key, string value)
    {
        var failure = Assert.Throws<OptionsValidationException>(() => Options((key, value)));
        Assert.Contains(key.Split(':')[0], failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0", "00:01:00", "Limit")]
    [InlineData("five", "00:01:00", "Limit")]
    [InlineData("5", "soon", "Per")]
    public void A_rate_limit_that_makes_no_sense_is_named(string limit, string per, string named)
    {
        var failure = Assert.Throws<OptionsValidationException>(() =>
            Options(("RateLimiting:Limits:0:Unit", "Requests"), ("RateLimiting:Limits:0:Limit", limit), ("RateLimiting:Limits:0:Per", per)));
        Assert.Contains($"RateLimiting:Limits:0:{named}", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("User", "")]
    [InlineData("Name", "*")]
    [InlineData("Model", "*")]
    [InlineData("Burst", "0")]
    [InlineData("Burst", "50", "SlidingWindow")]
    public void A_name_or_a_burst_that_a_rate_limit_cannot_have_is_named(string key, string value, string? algorithm = null)
    {
        (string Key, string Value)[] entries = [("Unit", "Requests"), ("Limit", "5"), ("Per", "00:01:00"), (key, value)];
        var failure = Assert.Throws<OptionsValidationException>(() =>
            Options([.. (algorithm is null ? entries : [.. entries, ("Algorithm", algorithm)]).Select(entry => ($"RateLimiting:Limits:0:{entry.Key}", entry.Value))]));
        Assert.Contains($"RateLimiting:Limits:0:{key}", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clients_of_a_container_keep_what_the_configuration_says()
    {
        var services = new ServiceCollection();
        services.AddLlmCostCache(Section(("HomeDirectory", _home.Path), ("RateLimiting:MaxWait", "00:00:00"),
            ("RateLimiting:Limits:0:Unit", "Requests"), ("RateLimiting:Limits:0:Limit", "1"), ("RateLimiting:Limits:0:Per", "1.00:00:00")));
        services.AddChatClient(new FakeChatClient()).UseRunawayGuard().UseCostCache().UseBudget().UseRetry().UseRateLimit();
        await using var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<IChatClient>();
        await client.GetResponseAsync("one");
        await Assert.ThrowsAsync<QuotaExceededException>(() => client.GetResponseAsync("two"));
        Assert.Same(provider.GetRequiredService<LlmCosts>(), client.GetService<LlmCosts>());
    }

    private static LlmCostsOptions Options(params (string Key, string Value)[] values)
    {
        var options = new LlmCostsOptions();
        LlmCostsConfiguration.Bind(Section(values), options);
        return options;
    }

    private static IConfigurationSection Section(params (string Key, string Value)[] values) => new ConfigurationBuilder()
        .AddInMemoryCollection(values.Select(value => KeyValuePair.Create($"LlmCostCache:{value.Key}", (string?)value.Value))).Build().GetSection("LlmCostCache");
}
