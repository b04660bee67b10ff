using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

public sealed class EmbeddingPipelineTests : IAsyncDisposable
{
    private readonly TempHome _home = new();
    private readonly FakeEmbeddingGenerator _provider = new();
    private LlmCosts? _costs;

    public async ValueTask DisposeAsync()
    {
        await (_costs?.DisposeAsync() ?? ValueTask.CompletedTask);
        _home.Dispose();
    }

    [Fact]
    public async Task Only_texts_that_are_not_cached_are_asked_for_and_the_order_is_kept()
    {
        var generator = Build();
        await generator.GenerateAsync(["alpha"]);
        var result = await generator.GenerateAsync(["beta", "alpha", "gamma"]);

        Assert.Equal(["beta", "gamma"], _provider.Calls[1]);
        Assert.Equal([FakeEmbeddingGenerator.VectorOf("beta"), FakeEmbeddingGenerator.VectorOf("alpha"), FakeEmbeddingGenerator.VectorOf("gamma")], result.Select(item => item.Vector.ToArray()));
        Assert.Equal(9, result.Usage!.InputTokenCount);
    }

    [Fact]
    public async Task What_is_asked_for_is_priced_and_what_is_cached_is_saved()
    {
        var generator = Build();
        // text-embedding-3-small costs $0.02 per million: 5 tokens are 100 nano-dollars.
        Assert.Equal(100, (await generator.GenerateAsync(["alpha"])).GetCost().Amount!.Value.Nanos);
        var cost = (await generator.GenerateAsync(["beta", "alpha"])).GetCost();
        Assert.Equal((80, 100), (cost.Amount!.Value.Nanos, cost.Saved.Nanos));
    }

    [Fact]
    public async Task Each_cached_text_saves_its_share_at_the_price_of_the_day()
    {
        const string Prices = """
            {"models": [{"id": "text-embedding-3-small", "provider": "openai", "mode": "embedding", "prices": [
                {"effective_from": null, "input": "0.02"}, {"effective_from": "2026-09-02", "input": "0.04"}]}]}
            """;
        var time = new FakeTimeProvider(BoughtAnswer.Noon);
        var generator = Build(o =>
        {
            o.TimeProvider = time;
            File.WriteAllText(Path.Combine(Directory.CreateDirectory(o.HomeDirectory!).FullName, "prices.json"), Prices);
        });
        await generator.GenerateAsync(["alpha", "beta"]);
        var today = (await generator.GenerateAsync(["alpha", "gamma"])).GetCost();
        time.Advance(TimeSpan.FromHours(12));
        var tomorrow = (await generator.GenerateAsync(["beta", "alpha"])).GetCost();

        Assert.Equal((100, 360), (today.Saved.Nanos, tomorrow.Saved.Nanos));
    }

    [Fact]
    public async Task A_result_that_is_all_cached_has_no_billable_usage()
    {
        var generator = Build();
        await generator.GenerateAsync(["alpha"]);
        var result = await generator.GenerateAsync(["alpha"]);

        Assert.Single(_provider.Calls);
        Assert.Null(result.Usage);
        Assert.Equal(Money.Zero, result.GetCost().Amount);
    }

    [Fact]
    public async Task The_same_text_twice_in_a_request_is_asked_for_once()
    {
        var result = await Build().GenerateAsync(["alpha", "beta", "alpha"]);
        Assert.Equal(["alpha", "beta"], Assert.Single(_provider.Calls));
        Assert.Equal(3, result.Count);
        Assert.Equal(result[0].Vector.ToArray(), result[2].Vector.ToArray());
    }

    [Fact]
    public async Task Other_dimensions_are_another_question()
    {
        var generator = Build();
        await generator.GenerateAsync(["alpha"], new EmbeddingGenerationOptions { Dimensions = 3 });
        await generator.GenerateAsync(["alpha"], new EmbeddingGenerationOptions { Dimensions = 4 });
        Assert.Equal(2, _provider.Calls.Count);
    }

    [Fact]
    public async Task A_budget_refuses_embeddings_too_and_nothing_is_sent()
    {
        var generator = Build(o => o.Budgets.Add(Budget.Daily(0.000_000_01m)));
        await Assert.ThrowsAsync<BudgetExceededException>(() => generator.GenerateAsync([new string('x', 5_000)]));
        Assert.Empty(_provider.Calls);
    }

    [Fact]
    public async Task Spending_on_embeddings_is_settled_to_the_truth()
    {
        var generator = Build(o => o.Budgets.Add(Budget.Daily(1m)));
        await generator.GenerateAsync(["alpha"]);
        var balance = Assert.Single(await _costs!.Store.ReadBalancesAsync());
        Assert.Equal((100, 0), (balance.Spent.Nanos, balance.Reserved.Nanos));
    }

    private IEmbeddingGenerator<string, Embedding<float>> Build(Action<LlmCostsOptions>? configure = null)
    {
        _costs = LlmCosts.Open(o =>
        {
            o.HomeDirectory = _home.Path;
            configure?.Invoke(o);
        });
        return _provider.AsBuilder().UseCostCache(_costs).UseBudget(_costs).Build();
    }
}
