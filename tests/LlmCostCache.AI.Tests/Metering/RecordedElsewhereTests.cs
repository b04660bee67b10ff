namespace LlmCostCache.AI.Tests;

/// <summary>Calls that the application made by itself and told us of.</summary>
public class RecordedElsewhereTests
{
    [Theory]
    [InlineData("gpt-4o-mini", "gpt-4o-mini-2024-07-18")]
    [InlineData("my-deployment", "gpt-4o-mini-2024-07-18")]
    [InlineData(null, "gpt-4o-mini")]
    public async Task A_budget_for_a_model_counts_them_by_any_name_of_the_model(string? asked, string answered)
    {
        await using var pipeline = new Pipeline(o =>
        {
            o.Budgets.Add(Budget.Daily(1m).ForModel("gpt-4o-mini"));
            o.ModelAliases["my-deployment"] = "gpt-4o-mini";
        });
        await pipeline.Costs.RecordAsync(new UsageRecord
        {
            Id = "elsewhere",
            At = DateTimeOffset.UtcNow,
            Provider = "openai",
            RequestedModel = asked,
            Model = answered,
            Cost = CallCost.Unknown with { Usage = new() { UncachedInputTokens = 1_000, OutputTokens = 500, Requests = 1 } },
        });
        await pipeline.Costs.FlushAsync();

        Assert.Equal(Money.FromUsd(0.00045m), Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync()).Spent.Money);
    }
}
