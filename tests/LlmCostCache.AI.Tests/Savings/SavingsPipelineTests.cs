using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>What hits save on their way through the pipeline into the ledger.</summary>
public class SavingsPipelineTests
{
    private readonly FakeTimeProvider _time = new(BoughtAnswer.Noon);

    [Fact]
    public async Task A_long_prompt_asked_again_after_a_minute_and_after_a_day_saves_two_different_amounts()
    {
        await using var pipeline = Start();
        await pipeline.Client.GetResponseAsync("Hello");
        _time.Advance(TimeSpan.FromMinutes(1));
        var soon = (await pipeline.Client.GetResponseAsync("Hello")).GetCost();
        _time.Advance(TimeSpan.FromDays(1));
        var late = (await pipeline.Client.GetResponseAsync("Hello")).GetCost();

        Assert.Single(pipeline.Provider.Calls);
        Assert.Equal((5_615_000, 8_015_000), (soon.Saved.Nanos, late.Saved.Nanos));
        Assert.Equal(new TokenUsage { UncachedInputTokens = 2_006, OutputTokens = 300, Requests = 1 }, soon.Usage);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_sum_over_the_hits_is_what_the_totals_say(bool withoutMemory)
    {
        await using var pipeline = Start(o => o.MemoryCacheBytes = withoutMemory ? 0 : o.MemoryCacheBytes);
        var sum = Money.Zero;
        foreach (var minutes in (int[])[0, 1, 30, 61, 59, 600])
        {
            _time.Advance(TimeSpan.FromMinutes(minutes));
            sum += (await pipeline.Client.GetResponseAsync("Hello")).GetCost().Saved;
            await pipeline.Costs.FlushAsync();
        }

        var total = Assert.Single(await pipeline.Costs.Ledger.TotalsAsync(null, null, LedgerFilter.All));
        Assert.Equal((3 * 5_615_000) + (2 * 8_015_000), sum.Nanos);
        Assert.Equal((sum, sum.Nanos), (total.Saved, (await pipeline.RowsAsync()).Sum(row => row.Cost.Saved.Nanos)));
        Assert.Equal(5, total.Hits);
    }

    [Fact]
    public async Task A_price_that_changed_since_the_answer_was_bought_counts_as_it_is_now()
    {
        const string Prices = """
            {"models": [{"id": "my-model", "prices": [
                {"effective_from": null, "input": "1", "output": "1"},
                {"effective_from": "2026-09-02", "input": "3", "output": "1"}]}]}
            """;
        var provider = new FakeChatClient("my-model") { Usage = new() { InputTokenCount = 1_000, OutputTokenCount = 1_000 } };
        await using var pipeline = Start(o => File.WriteAllText(Path.Combine(Directory.CreateDirectory(o.HomeDirectory!).FullName, "prices.json"), Prices), provider);
        var bought = (await pipeline.Client.GetResponseAsync("Hello")).GetCost();
        _time.Advance(TimeSpan.FromHours(11));
        var before = (await pipeline.Client.GetResponseAsync("Hello")).GetCost();
        _time.Advance(TimeSpan.FromHours(1));
        var after = (await pipeline.Client.GetResponseAsync("Hello")).GetCost();

        Assert.Equal((2_000_000, 2_000_000, 4_000_000), (bought.Amount!.Value.Nanos, before.Saved.Nanos, after.Saved.Nanos));
        Assert.Equal(bought.PriceRevision, before.PriceRevision);
        Assert.NotEqual(bought.PriceRevision, after.PriceRevision);
    }

    [Fact]
    public async Task A_hit_of_a_model_without_a_price_saves_nothing_and_its_row_says_why()
    {
        await using var pipeline = Start(provider: new FakeChatClient("no-such-model"));
        await pipeline.Client.GetResponseAsync("Hello");
        var cost = (await pipeline.Client.GetResponseAsync("Hello")).GetCost();

        Assert.Equal((CostCertainty.Known, Money.Zero, Money.Zero), (cost.Certainty, cost.Amount, cost.Saved));
        Assert.StartsWith("Nothing is counted as saved: ", cost.Reason, StringComparison.Ordinal);
        Assert.Equal(cost.Reason, (await pipeline.RowsAsync())[1].Cost.Reason);
    }

    [Fact]
    public async Task The_tier_an_answer_was_served_in_is_stored_with_it_also_on_the_disk()
    {
        var batch = new ChatOptions { AdditionalProperties = new() { ["service_tier"] = "batch" } };
        await using var pipeline = Start(o => o.MemoryCacheBytes = 0, new FakeChatClient("gpt-4o"));
        await pipeline.Client.GetResponseAsync("Hello", batch);
        await pipeline.Costs.FlushAsync();
        var hit = (await pipeline.Client.GetResponseAsync("Hello", batch)).GetCost();

        var bought = (await pipeline.RowsAsync())[0];
        Assert.Equal("batch", bought.ServiceTier);
        Assert.Equal((CacheLayer.Disk, bought.Cost.Amount), (hit.CacheLayer, hit.Saved));
    }

    [Fact]
    public async Task A_hit_is_a_free_row_that_reserves_nothing_and_no_outer_meter_counts_it_again()
    {
        await using var pipeline = Start(o => o.Budgets.Add(Budget.Daily(0.009m)), build: (builder, costs) => builder.UseUsageMetering(costs).UseCostCache(costs).UseBudget(costs));
        await pipeline.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 300 });
        var hit = (await pipeline.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 300 })).GetCost();

        var rows = await pipeline.RowsAsync();
        var balance = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync());
        Assert.Equal([CallStatus.Ok, CallStatus.Cached], rows.Select(row => row.Status));
        Assert.Equal((CostCertainty.Known, Money.Zero, 5_615_000), (rows[1].Cost.Certainty, rows[1].Cost.Amount, rows[1].Cost.Saved.Nanos));
        Assert.Equal((Money.Zero, 5_615_000), (hit.Amount, hit.Saved.Nanos));
        Assert.Equal((8_015_000, 0), (balance.Spent.Nanos, balance.Reserved.Nanos));
    }

    [Fact]
    public async Task A_hundred_identical_calls_at_once_are_one_priced_row_and_ninety_nine_that_wait_for_free()
    {
        await using var pipeline = Start();
        var answer = new TaskCompletionSource<ChatResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        pipeline.Provider.Answer = (_, _, _) => answer.Task;
        var calls = Enumerable.Range(0, 100).Select(_ => pipeline.Client.GetResponseAsync("Hello")).ToList();
        answer.SetResult(pipeline.Provider.DefaultAnswer(null, "Paris."));
        await Task.WhenAll(calls);

        var rows = await pipeline.RowsAsync();
        Assert.Single(pipeline.Provider.Calls);
        Assert.Equal((1, 99), (rows.Count(row => row.Status == CallStatus.Ok), rows.Count(row => row.Status == CallStatus.Coalesced)));

        // Nobody knows whether the provider would have had the prompt already, so the smaller saving is taken.
        Assert.All(rows.Where(row => row.Status == CallStatus.Coalesced), row => Assert.Equal((Money.Zero, 5_615_000), (row.Cost.Amount, row.Cost.Saved.Nanos)));
    }

    private Pipeline Start(Action<LlmCostsOptions>? configure = null, FakeChatClient? provider = null, Func<ChatClientBuilder, LlmCosts, ChatClientBuilder>? build = null) => new(
        o =>
        {
            o.TimeProvider = _time;
            configure?.Invoke(o);
        },
        build ?? ((builder, costs) => builder.UseCostCache(costs, cache => cache.TimeToLive = TimeSpan.FromDays(30))),
        provider ?? new FakeChatClient("gpt-4o-2024-08-06") { Usage = new() { InputTokenCount = 2_006, OutputTokenCount = 300, TotalTokenCount = 2_306 } });
}
