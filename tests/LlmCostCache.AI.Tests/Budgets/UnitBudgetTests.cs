using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

public class UnitBudgetTests
{
    private static readonly ChatOptions s_short = new() { MaxOutputTokens = 500 };

    [Fact]
    public async Task A_budget_of_tokens_holds_the_bound_and_is_settled_with_the_truth()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(BudgetAmount.Tokens(100_000))));
        pipeline.Provider.Answer = async (_, _, _) =>
        {
            var held = Assert.Single(await pipeline.Costs.Limits.ListAsync()).Uses[0].Reserved;
            Assert.True(held > BudgetAmount.Tokens(500), held.ToString());
            return Answer();
        };

        await pipeline.Client.GetResponseAsync("Hello", s_short);

        var use = Assert.Single(Assert.Single(await pipeline.Costs.Limits.ListAsync()).Uses);
        Assert.Equal((BudgetAmount.Tokens(1_500), BudgetAmount.Tokens(0), BudgetAmount.Tokens(98_500)), (use.Spent, use.Reserved, use.Left));
        Assert.True((await pipeline.Costs.Ledger.VerifyAsync()).IsIntact);
    }

    [Fact]
    public async Task A_refusal_says_the_amounts_in_the_unit_of_the_budget()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(BudgetAmount.Tokens(300)).Named("few")));

        var refusal = await Assert.ThrowsAsync<QuotaExceededException>(() => pipeline.Client.GetResponseAsync("Hello", s_short));

        Assert.StartsWith("Budget 'few' allows 300 tokens per day; 0 tokens is spent and 0 tokens reserved, and this call may need ", refusal.Message, StringComparison.Ordinal);
        Assert.Equal((BudgetAmount.Tokens(300), BudgetUnit.Tokens), (refusal.Tally.Limit, refusal.Tally.Requested.Unit));
        Assert.Empty(pipeline.Provider.Calls);
    }

    [Fact]
    public async Task An_answer_is_shortened_to_the_tokens_that_are_left()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(BudgetAmount.Tokens(2_000))));
        pipeline.Provider.Usage = new() { InputTokenCount = 10, OutputTokenCount = 20 };

        await pipeline.Client.GetResponseAsync("Hello");

        Assert.InRange(pipeline.Provider.Calls[0].Options!.MaxOutputTokens!.Value, BudgetGuard.SmallestAnswer, 1_999);
    }

    [Fact]
    public async Task A_budget_of_requests_counts_calls_and_no_hits()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.PerMinute(BudgetAmount.Requests(2))));
        await pipeline.Client.GetResponseAsync("one");
        for (var i = 0; i < 5; i++)
        {
            await pipeline.Client.GetResponseAsync("one");
        }

        await pipeline.Client.GetResponseAsync("two");
        var refusal = await Assert.ThrowsAsync<QuotaExceededException>(() => pipeline.Client.GetResponseAsync("three"));

        Assert.Equal(new BudgetTally(BudgetAmount.Requests(2), BudgetAmount.Requests(2), BudgetAmount.Requests(0), BudgetAmount.Requests(1)), refusal.Tally);
        Assert.Contains("allows 2 requests per minute; 2 requests is spent", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(2, pipeline.Provider.Calls.Count);
    }

    [Fact]
    public async Task Budgets_of_tokens_and_requests_need_no_price()
    {
        await using var pipeline = new Pipeline(
            o =>
            {
                o.Budgets.Add(Budget.Daily(BudgetAmount.Tokens(10_000)));
                o.Budgets.Add(Budget.Daily(BudgetAmount.Requests(10)));
            },
            provider: new FakeChatClient("no-such-model", "nobody"));

        var response = await pipeline.Client.GetResponseAsync("Hello", s_short);

        Assert.Equal(CostCertainty.Unknown, response.GetCost().Certainty);
        Assert.Equal([1_500, 1], (await pipeline.Costs.Limits.ListAsync()).Select(standing => standing.Uses[0].Spent).OrderBy(spent => spent.Unit).Select(spent => spent.Count));
    }

    [Fact]
    public async Task A_limit_for_each_call_can_be_one_of_tokens()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.PerCall(BudgetAmount.Tokens(100))));

        var refusal = await Assert.ThrowsAsync<QuotaExceededException>(() => pipeline.Client.GetResponseAsync("Hello", s_short));

        Assert.Contains("allows 100 tokens per call", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_died_is_booked_at_what_was_held_in_every_unit()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        var (tokens, requests, money) = (Budget.Daily(BudgetAmount.Tokens(10_000)), Budget.Daily(BudgetAmount.Requests(10)), Budget.Daily(1m));
        await store.ReserveAsync(home.Request("a", home.Hold(tokens, 4_000), home.Hold(requests, 1), home.Hold(money, 700)));

        home.Clock.Advance(TimeSpan.FromMinutes(11));
        var next = await store.ReserveAsync(home.Request("b", home.Hold(tokens, 1), home.Hold(requests, 1), home.Hold(money, 1)));

        Assert.Equal([4_000, 1, 700], next.Balances.Select(balance => balance.Spent.Count));
        Assert.Equal(0, next.Balances.Sum(balance => balance.Reserved.Count));
        Assert.Empty((await store.VerifyAsync()).Problems);

        // The truth arrives after all.
        await store.AppendAsync(home.Row("a", 5));
        var corrected = (await store.ReadBalancesAsync()).ToDictionary(balance => balance.Spent.Unit, balance => balance.Spent.Count);
        Assert.Equal((15, 1, 5), (corrected[BudgetUnit.Tokens], corrected[BudgetUnit.Requests], corrected[BudgetUnit.Usd]));
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task A_call_that_certainly_was_not_billed_gives_its_tokens_and_its_request_back()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        var (tokens, requests) = (Budget.Daily(BudgetAmount.Tokens(10_000)), Budget.Daily(BudgetAmount.Requests(10)));
        await store.ReserveAsync(home.Request("a", home.Hold(tokens, 4_000), home.Hold(requests, 1)));

        await store.AppendAsync(home.Row("a", 0) with { Status = CallStatus.Failed, Cost = CallCost.Known(Money.Zero), UsageSource = "none" });

        Assert.All(await store.ReadBalancesAsync(), balance => Assert.Equal((0, 0), (balance.Spent.Count, balance.Reserved.Count)));
    }

    [Fact]
    public async Task An_outcome_that_nobody_knows_takes_what_was_held()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        var tokens = Budget.Daily(BudgetAmount.Tokens(10_000));
        await store.ReserveAsync(home.Request("a", home.Hold(tokens, 4_000)));

        await store.AppendAsync(home.Row("a", 0) with { Status = CallStatus.Assumed, Cost = CallCost.Between(Money.Zero, Money.FromNanos(9)), UsageSource = "none" });

        Assert.Equal(BudgetAmount.Tokens(4_000), Assert.Single(await store.ReadBalancesAsync()).Spent);
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public async Task A_new_budget_of_tokens_counts_what_the_ledger_already_holds_without_hits()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.AppendAsync(home.Row("a", 1, new Attribution { User = "alice" }));
        var hit = home.Row("hit", 0, new Attribution { User = "alice" });
        await store.AppendAsync(hit with { Status = CallStatus.Cached, Cost = hit.Cost with { CacheLayer = CacheLayer.Disk } });

        var outcome = await store.ReserveAsync(home.Request("b",
            home.Hold(Budget.Daily(BudgetAmount.Tokens(100)).ForUser("alice"), 1),
            home.Hold(Budget.Daily(BudgetAmount.Tokens(100)).ForModel("gpt-4o-mini"), 1),
            home.Hold(Budget.Monthly(BudgetAmount.Requests(100)).ForEachUser(), 1, "user=alice")));

        Assert.Equal([15, 15, 1], outcome.Balances.Select(balance => balance.Spent.Count));
        Assert.Empty((await store.VerifyAsync()).Problems);
    }

    [Fact]
    public void Amounts_of_different_units_never_meet()
    {
        Assert.Throws<InvalidOperationException>(() => BudgetAmount.Tokens(1) + BudgetAmount.Requests(1));
        Assert.Throws<InvalidOperationException>(() => BudgetAmount.Tokens(1) < Money.FromUsd(1m));
        Assert.Throws<InvalidOperationException>(() => BudgetAmount.Tokens(1).Usd);
        Assert.NotEqual(BudgetAmount.Tokens(1), BudgetAmount.Requests(1));
        Assert.Throws<OverflowException>(() => BudgetAmount.Tokens(long.MaxValue) + BudgetAmount.Tokens(1));
    }

    [Theory]
    [InlineData(BudgetUnit.Usd, 1_500_000_000, "$1.50")]
    [InlineData(BudgetUnit.Tokens, 1_234_567, "1,234,567 tokens")]
    [InlineData(BudgetUnit.Requests, 1, "1 request")]
    public void An_amount_says_its_unit(BudgetUnit unit, long count, string text) => Assert.Equal(text, BudgetAmount.Of(unit, count).ToString());

    private static ChatResponse Answer() => new(new ChatMessage(ChatRole.Assistant, "answer"))
    {
        FinishReason = ChatFinishReason.Stop,
        ModelId = "gpt-4o-mini",
        Usage = new() { InputTokenCount = 1_000, OutputTokenCount = 500, TotalTokenCount = 1_500 },
    };
}
