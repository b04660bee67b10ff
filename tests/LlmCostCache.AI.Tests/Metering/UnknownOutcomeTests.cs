using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Calls of which nobody knows whether they were billed.</summary>
public class UnknownOutcomeTests
{
    private static readonly HttpRequestException s_error = new("overloaded", null, HttpStatusCode.InternalServerError);

    [Fact]
    public async Task The_most_that_an_answer_without_any_limit_can_have_cost_is_not_known()
    {
        await using var pipeline = Failing(_ => { });
        await Assert.ThrowsAsync<HttpRequestException>(() => pipeline.Client.GetResponseAsync("Hello"));

        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal((CallStatus.Assumed, CostCertainty.Unknown), (row.Status, row.Cost.Certainty));
        Assert.Contains("the most that a call to 'my-model' can cost", row.Cost.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_limit_that_the_caller_set_bounds_it()
    {
        await using var pipeline = Failing(_ => { });
        await Assert.ThrowsAsync<HttpRequestException>(() => pipeline.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 1_000 }));

        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal(CostCertainty.Bounded, row.Cost.Certainty);
        Assert.True(row.Cost.High >= Money.FromUsd(0.002m));
    }

    [Fact]
    public async Task What_a_strict_budget_held_bounds_it()
    {
        await using var pipeline = Failing(o => o.Budgets.Add(Budget.Daily(10m)));
        await Assert.ThrowsAsync<HttpRequestException>(() => pipeline.Client.GetResponseAsync("Hello"));

        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal(CostCertainty.Bounded, row.Cost.Certainty);
        Assert.True(row.Cost.High >= Money.FromUsd(2m * 16_384 / 1_000_000m));
        Assert.Equal(row.Cost.High, Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync()).Spent);
    }

    [Fact]
    public async Task What_a_warning_budget_assumed_does_not_bound_it()
    {
        await using var pipeline = Failing(o => o.Budgets.Add(Budget.Daily(10m).Warn()));
        await Assert.ThrowsAsync<HttpRequestException>(() => pipeline.Client.GetResponseAsync("Hello"));
        Assert.Equal(CostCertainty.Unknown, Assert.Single(await pipeline.RowsAsync()).Cost.Certainty);
    }

    [Fact]
    public async Task A_stream_that_breaks_before_its_first_piece_is_bounded_in_the_same_way()
    {
        await using var pipeline = Failing(_ => { });
        pipeline.Provider.Stream = (_, _, cancellation) => Broken(cancellation);
        await Assert.ThrowsAsync<HttpRequestException>(async () => await pipeline.Client.GetStreamingResponseAsync("Hello").ToListAsync());
        Assert.Equal(CostCertainty.Unknown, Assert.Single(await pipeline.RowsAsync()).Cost.Certainty);
    }

    [Fact]
    public async Task Embeddings_have_no_answer_to_be_bounded()
    {
        using var home = new TempHome();
        await using var costs = LlmCosts.Open(o =>
        {
            o.HomeDirectory = home.Path;
            o.Prices.Add(new ModelPrice("my-embedding") { InputPerMillion = 1m, OutputPerMillion = 0m });
        });
        var provider = new FakeEmbeddingGenerator("my-embedding");
        provider.Hold().SetException(s_error);
        using var generator = provider.AsBuilder().UseUsageMetering(costs).Build();
        await Assert.ThrowsAsync<HttpRequestException>(() => generator.GenerateAsync(["Hello"]));

        await costs.FlushAsync();
        var row = Assert.Single(await costs.Store.ReadAsync(LedgerFilter.All).ToListAsync());
        Assert.Equal((CallStatus.Assumed, CostCertainty.Bounded), (row.Status, row.Cost.Certainty));
    }

    private static Pipeline Failing(Action<LlmCostsOptions> configure)
    {
        var provider = new FakeChatClient("my-model") { Answer = (_, _, _) => throw s_error };
        return new Pipeline(
            o =>
            {
                o.Prices.Add(new ModelPrice("my-model") { InputPerMillion = 1m, OutputPerMillion = 2m });
                configure(o);
            },
            static (builder, costs) => builder.UseBudget(costs), provider);
    }

    private static async IAsyncEnumerable<ChatResponseUpdate> Broken([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.Yield();
        if (!cancellationToken.IsCancellationRequested)
        {
            throw s_error;
        }

        yield break;
    }
}
