using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>Rules that an application has for providers that count in their own way.</summary>
public class UsageRuleTests
{
    private static readonly TokenUsage s_exclusive = new() { UncachedInputTokens = 100, CachedInputTokens = 60, OutputTokens = 50, ReasoningTokens = 0, Requests = 1 };

    [Fact]
    public async Task Without_a_rule_the_built_in_ones_count() =>
        Assert.Equal(new TokenUsage { UncachedInputTokens = 40, CachedInputTokens = 60, OutputTokens = 20, ReasoningTokens = 30, Requests = 1 }, (await RowAsync(_ => { })).Cost.Usage);

    [Fact]
    public async Task One_line_says_that_the_input_leaves_the_cache_out() =>
        Assert.Equal(s_exclusive with { OutputTokens = 20, ReasoningTokens = 30 }, (await RowAsync(o => o.UsageRules["my-gateway"] = UsageRule.ExclusiveInput)).Cost.Usage);

    [Fact]
    public async Task One_line_says_that_reasoning_is_outside() => Assert.Equal(
        new TokenUsage { UncachedInputTokens = 40, CachedInputTokens = 60, OutputTokens = 50, ReasoningTokens = 30, Requests = 1 },
        (await RowAsync(o => o.UsageRules["My-Gateway"] = UsageRule.ReasoningOutside)).Cost.Usage);

    [Fact]
    public async Task A_rule_is_found_by_host_when_the_client_goes_by_another_name() =>
        Assert.Equal(160, (await RowAsync(o => o.UsageRules["llm.example"] = UsageRule.ExclusiveInput)).Cost.Usage.TotalInputTokens);

    [Fact]
    public async Task A_rule_of_its_own_takes_the_counts_apart()
    {
        var row = await RowAsync(o => o.UsageRules["my-gateway"] = new UsageRule { Read = (usage, raw) => new TokenUsage { UncachedInputTokens = usage.InputTokenCount ?? 0, WebSearches = raw is null ? 0 : 3 } });
        Assert.Equal((new TokenUsage { UncachedInputTokens = 100, Requests = 1 }, null), (row.Cost.Usage, row.Flags));
    }

    [Fact]
    public async Task A_rule_that_returns_nothing_leaves_it_to_the_built_in_ones() =>
        Assert.Equal(160, (await RowAsync(o => o.UsageRules["my-gateway"] = new UsageRule { InputIsExclusive = true, Read = (_, _) => null })).Cost.Usage.TotalInputTokens);

    [Fact]
    public async Task A_name_for_prices_and_reports_does_not_change_how_the_adapter_counts()
    {
        var usage = new UsageDetails { InputTokenCount = 5_000, OutputTokenCount = 100, TotalTokenCount = 5_100, AdditionalCounts = new() { ["CacheReadInputTokens"] = 2_000 } };
        var provider = new FakeChatClient("us.anthropic.claude-3-haiku-20240307-v1:0", "aws.bedrock", "https://bedrock-runtime.us-east-1.amazonaws.com") { Usage = usage };
        await using var pipeline = new Pipeline(provider: provider, build: (builder, costs) => builder.UseUsageMetering(costs, meter => meter.ProviderName = "bedrock"));
        await pipeline.Client.GetResponseAsync("Hello");
        await pipeline.Client.GetStreamingResponseAsync("Hello").ToListAsync();

        Assert.All(await pipeline.RowsAsync(), row => Assert.Equal((5_000, 2_000, "bedrock"), (row.Cost.Usage.UncachedInputTokens, row.Cost.Usage.CachedInputTokens, row.Provider)));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public async Task A_rule_that_fails_costs_nobody_an_answer(bool throws, bool streamed)
    {
        var log = new FakeLogger();
        var row = await RowAsync(
            o =>
            {
                o.LoggerFactory = new OneLogger(log);
                o.UsageRules["my-gateway"] = new UsageRule { Read = (_, _) => throws ? throw new InvalidOperationException("secret") : new TokenUsage { OutputTokens = -1 } };
            },
            streamed);

        Assert.Equal((40, 60, UsageFlags.RuleFailed), (row.Cost.Usage.UncachedInputTokens, row.Cost.Usage.CachedInputTokens, row.Flags));
        var warning = Assert.Single(log.Collector.GetSnapshot(), entry => entry.Id.Id == 24);
        Assert.Equal(LogLevel.Warning, warning.Level);
        Assert.DoesNotContain("secret", warning.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rule_that_counts_more_than_there_can_be_is_not_believed()
    {
        var row = await RowAsync(o => o.UsageRules["my-gateway"] = new UsageRule { Read = (_, _) => new TokenUsage { UncachedInputTokens = long.MaxValue, CachedInputTokens = long.MaxValue } });

        Assert.Equal((40, 60, UsageFlags.RuleFailed), (row.Cost.Usage.UncachedInputTokens, row.Cost.Usage.CachedInputTokens, row.Flags));
    }

    [Fact]
    public async Task A_rule_cannot_change_what_the_caller_sees()
    {
        var provider = Provider();
        await using var pipeline = new Pipeline(
            o => o.UsageRules["my-gateway"] = new UsageRule
            {
                Read = (usage, _) =>
                {
                    usage.InputTokenCount = 1;
                    return null;
                },
            },
            provider: provider);
        Assert.Equal(100, (await pipeline.Client.GetResponseAsync("Hi")).Usage?.InputTokenCount);
    }

    [Fact]
    public void A_rule_that_is_null_is_refused_when_it_is_opened()
    {
        using var home = new TempHome();
        Assert.Throws<ArgumentException>(() => LlmCosts.Open(o =>
        {
            o.HomeDirectory = home.Path;
            o.UsageRules["my-gateway"] = null!;
        }));
    }

    private static FakeChatClient Provider() => new(provider: "my-gateway", endpoint: "https://llm.example/v1")
    {
        Usage = new UsageDetails { InputTokenCount = 100, OutputTokenCount = 50, TotalTokenCount = 150, CachedInputTokenCount = 60, ReasoningTokenCount = 30 },
    };

    private static async Task<UsageRecord> RowAsync(Action<LlmCostsOptions> configure, bool streamed = false)
    {
        await using var pipeline = new Pipeline(configure, provider: Provider());
        var response = streamed ? await pipeline.Client.GetStreamingResponseAsync("Hi").ToChatResponseAsync() : await pipeline.Client.GetResponseAsync("Hi");
        Assert.Equal("answer 1", response.Text);
        return Assert.Single(await pipeline.RowsAsync());
    }

    private sealed class OneLogger(FakeLogger logger) : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => logger;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public void Dispose()
        {
        }
    }
}
