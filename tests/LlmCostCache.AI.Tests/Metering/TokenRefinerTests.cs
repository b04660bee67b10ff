using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

public class TokenRefinerTests
{
    [Fact]
    public async Task An_answer_without_usage_is_counted_in_the_background_and_its_bounds_become_narrow()
    {
        await using var pipeline = new Pipeline(provider: new FakeChatClient { Usage = null });
        var wide = (await pipeline.Client.GetResponseAsync("Hello, how are you today?")).GetCost();

        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal("tokenizer", row.UsageSource);
        Assert.Equal(CostCertainty.Bounded, row.Cost.Certainty);

        // "Hello, how are you today?" is 7 tokens of o200k_base, 7 more frame it; "answer 1" is 3.
        Assert.Equal((14, 3), (row.Cost.Usage.UncachedInputTokens, row.Cost.Usage.OutputTokens));
        Assert.True(row.Cost.High < wide.High);
        Assert.Equal(Money.FromUsd((14 * 0.15m + 3 * 0.60m) / 1_000_000m), row.Cost.High);
        Assert.Equal(Money.FromUsd((14 * 0.075m + 3 * 0.60m) / 1_000_000m), row.Cost.Low);
    }

    [Fact]
    public async Task A_budget_gives_back_what_the_count_shows_was_not_spent()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(1m)), provider: new FakeChatClient { Usage = null });
        await pipeline.Client.GetResponseAsync("Hello, how are you today?");
        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal(row.Cost.High, Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync()).Spent);
    }

    [Fact]
    public async Task What_is_not_all_text_keeps_its_bounds()
    {
        await using var pipeline = new Pipeline(provider: new FakeChatClient { Usage = null });
        await pipeline.Client.GetResponseAsync(new ChatMessage(ChatRole.User, [new TextContent("What is this?"), new DataContent(new byte[] { 1, 2, 3 }, "image/png")]));
        Assert.Equal("estimate", Assert.Single(await pipeline.RowsAsync()).UsageSource);
    }

    [Theory]
    [InlineData('中')]
    [InlineData('a')]
    [InlineData(' ')]
    public void A_long_run_without_a_break_is_counted_in_pieces(char c)
    {
        // Uncut, 100,000 characters without a break take the tokenizer seconds to minutes; what is checked is that cutting hardly changes the count.
        var whole = SharpToken.GptEncoding.GetEncoding("o200k_base").CountTokens(new string(c, 2_048));
        Assert.InRange(TokenCounter.Count("o200k_base", new string(c, 2_048)), whole - 4, whole + 4);
        Assert.InRange(TokenCounter.Count("o200k_base", new string(c, 100_000)), 1, 100_000);
    }
}
