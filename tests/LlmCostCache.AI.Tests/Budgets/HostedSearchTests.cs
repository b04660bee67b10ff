using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>What a provider searches the web for is billed by the search, beside the tokens.</summary>
public class HostedSearchTests
{
    private static readonly UsageDetails s_usage = new() { InputTokenCount = 100, OutputTokenCount = 100, AdditionalCounts = new() { ["web_searches"] = 3 } };

    [Fact]
    public async Task A_strict_budget_holds_the_fees_of_as_many_searches_as_the_tool_is_limited_to()
    {
        var without = await HeldAsync(null);
        Assert.Equal(without + Money.FromUsd(0.05m), await HeldAsync(new HostedWebSearchTool(new Dictionary<string, object?> { ["max_uses"] = 5 })));
    }

    [Fact]
    public async Task Of_ten_when_it_is_not_limited()
    {
        var without = await HeldAsync(null);
        Assert.Equal(without + Money.FromUsd(0.10m), await HeldAsync(new HostedWebSearchTool()));
    }

    [Fact]
    public async Task A_budget_without_room_for_the_fees_refuses()
    {
        await using var pipeline = Searching(0.09m);
        await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("Hello", Options(new HostedWebSearchTool())));
        Assert.Empty(pipeline.Provider.Calls);
    }

    private static async Task<Money> HeldAsync(AITool? tool)
    {
        await using var pipeline = Searching(10m);
        var held = Money.Zero;
        pipeline.Provider.Answer = async (_, options, n) =>
        {
            held = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync()).Reserved.Money;
            return pipeline.Provider.DefaultAnswer(options, $"answer {n}");
        };

        // A tool at the provider reads what it likes, so that the whole context window is held with it and without it.
        await pipeline.Client.GetResponseAsync("Hello", Options(tool ?? new HostedCodeInterpreterTool()));
        return held;
    }

    private static ChatOptions Options(AITool tool) => new() { MaxOutputTokens = 300, Tools = [tool] };

    private static Pipeline Searching(decimal limit) => new(
        o =>
        {
            o.Prices.Add(new ModelPrice("my-model") { InputPerMillion = 0.1m, OutputPerMillion = 0.1m, PerWebSearch = 0.01m, ContextWindow = 10_000 });
            o.Budgets.Add(Budget.Daily(limit));
        },
        static (builder, costs) => builder.UseBudget(costs), new FakeChatClient("my-model") { Usage = s_usage });
}
