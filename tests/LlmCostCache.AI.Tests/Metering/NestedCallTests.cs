using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>A client below the meter that asks another metered client before it asks the provider.</summary>
public class NestedCallTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Both_the_call_of_a_guard_and_the_call_that_it_guards_are_recorded(bool streamed)
    {
        var judge = new FakeChatClient { Usage = new() { InputTokenCount = 10, OutputTokenCount = 1, TotalTokenCount = 11 } };
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseUsageMetering(costs).Use(inner => new Guard(inner, judge.AsBuilder().UseUsageMetering(costs).Build())));
        var response = streamed
            ? (await pipeline.Client.GetStreamingResponseAsync("Hello").ToListAsync()).ToChatResponse()
            : await pipeline.Client.GetResponseAsync("Hello");

        Assert.Equal("answer 1", response.Text);
        Assert.Equal(Money.FromUsd(0.00045m), response.GetCost().Amount);
        var rows = await pipeline.RowsAsync();
        Assert.Equal([10, 1_000], rows.Select(row => row.Cost.Usage.UncachedInputTokens).Order());
    }

    [Fact]
    public async Task An_answer_that_a_client_in_between_makes_anew_is_still_recorded_once()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseUsageMetering(costs).Use(inner => new Hidden(inner.AsBuilder().UseUsageMetering(costs).Build())));
        await pipeline.Client.GetResponseAsync("Hello");
        Assert.Single(await pipeline.RowsAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_hit_behind_a_router_is_free_holds_nothing_and_keeps_what_it_saved(bool streamed)
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(1m)), provider: new FakeChatClient(),
            build: (builder, costs) => new Routed(builder.UseCostCache(costs).Build()).AsBuilder().UseBudget(costs));
        var options = new ChatOptions { ModelId = "gpt-4o-mini", MaxOutputTokens = 1_000 };
        await pipeline.Client.GetResponseAsync("Hello", options);
        var hit = streamed
            ? (await pipeline.Client.GetStreamingResponseAsync("Hello", options).ToListAsync()).ToChatResponse()
            : await pipeline.Client.GetResponseAsync("Hello", options);

        Assert.Equal((Money.Zero, Money.FromUsd(0.00045m)), (hit.GetCost().Amount, hit.GetCost().Saved));
        Assert.Equal([CallStatus.Ok, CallStatus.Cached], (await pipeline.RowsAsync()).Select(row => row.Status));
        var balance = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync());
        Assert.Equal((Money.FromUsd(0.00045m), Money.Zero), (balance.Spent.Money, balance.Reserved.Money));
    }

    [Fact]
    public async Task Embeddings_from_the_cache_behind_a_router_are_free_too()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(1m)));
        var cached = new FakeEmbeddingGenerator().AsBuilder().UseCostCache(pipeline.Costs).Build();
        using var generator = new RoutedGenerator(cached).AsBuilder().UseBudget(pipeline.Costs).Build();
        var options = new EmbeddingGenerationOptions { ModelId = "text-embedding-3-small" };
        await generator.GenerateAsync(["Hello"], options);
        var hit = (await generator.GenerateAsync(["Hello"], options)).GetCost();

        // Five tokens at $0.02 per million.
        Assert.Equal((Money.Zero, Money.FromNanos(100)), (hit.Amount, hit.Saved));
        Assert.Equal([CallStatus.Ok, CallStatus.Cached], (await pipeline.RowsAsync()).Select(row => row.Status));
        var balance = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync());
        Assert.Equal((Money.FromNanos(100), Money.Zero), (balance.Spent.Money, balance.Reserved.Money));
    }

    [Fact]
    public async Task What_a_guard_is_told_by_the_cache_is_not_the_answer_that_it_guards()
    {
        var judge = new FakeChatClient { Usage = new() { InputTokenCount = 10, OutputTokenCount = 1, TotalTokenCount = 11 } };
        await using var pipeline = new Pipeline(build: (builder, costs) =>
            builder.UseUsageMetering(costs).Use(inner => new Guard(inner, judge.AsBuilder().UseCostCache(costs).Build())));
        await pipeline.Client.GetResponseAsync("Hello");
        await pipeline.Client.GetResponseAsync("Hello again");

        Assert.Single(judge.Calls);
        var rows = await pipeline.RowsAsync();
        Assert.Equal(2, rows.Count(row => row.Cost.Usage.UncachedInputTokens == 1_000 && row.Status == CallStatus.Ok));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_chat_that_looks_something_up_with_embeddings_stays_held_and_is_recorded(bool streamed)
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(1m)),
            (builder, costs) => builder.UseBudget(costs).Use(inner => new Retrieval(inner, new FakeEmbeddingGenerator().AsBuilder().UseUsageMetering(costs).Build())));
        var held = Money.Zero;
        var answer = pipeline.Provider.DefaultAnswer(null, "found");
        async Task<ChatResponse> Look()
        {
            held = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync()).Reserved.Money;
            return answer;
        }

        pipeline.Provider.Answer = (_, _, _) => Look();
        var options = new ChatOptions { MaxOutputTokens = 1_000 };
        if (streamed)
        {
            // The reader leaves: no usage comes.
            await foreach (var _ in pipeline.Client.GetStreamingResponseAsync("Hello", options))
            {
                break;
            }
        }
        else
        {
            await pipeline.Client.GetResponseAsync("Hello", options);
        }

        // A thousand tokens of answer at $0.60 per million.
        Assert.True(held >= Money.FromUsd(0.0006m), held.ToString());
        var rows = await pipeline.RowsAsync();
        Assert.Equal(["chat", "embeddings"], rows.Select(row => row.Operation).Order());
        Assert.Equal(streamed ? CallStatus.Incomplete : CallStatus.Ok, rows.Single(row => row.Operation == "chat").Status);
        Assert.Equal(Money.Zero, Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync()).Reserved.Money);
    }

    [Fact]
    public async Task A_pipeline_of_another_ledger_below_the_meter_has_its_own_budgets_and_rows()
    {
        await using var below = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.01m)));
        await using var above = new Pipeline(o => o.Budgets.Add(Budget.Daily(1m)), (_, costs) => new Routed(below.Client).AsBuilder().UseBudget(costs));
        var options = new ChatOptions { ModelId = "gpt-4o-mini", MaxOutputTokens = 1_000 };
        await above.Client.GetResponseAsync("Hello", options);

        foreach (var pipeline in (Pipeline[])[above, below])
        {
            Assert.Equal(Money.FromUsd(0.00045m), Assert.Single(await pipeline.RowsAsync()).Cost.Amount);
            var balance = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync());
            Assert.Equal((Money.FromUsd(0.00045m), Money.Zero), (balance.Spent.Money, balance.Reserved.Money));
        }

        await below.Costs.Limits.SetAsync(Budget.Daily(0m), note: "closed");
        await Assert.ThrowsAsync<BudgetExceededException>(() => above.Client.GetResponseAsync("Hello again", options));
    }

    private sealed class Routed(IChatClient inner) : DelegatingChatClient(inner)
    {
        public override object? GetService(Type serviceType, object? serviceKey = null) => null;
    }

    private sealed class RoutedGenerator(IEmbeddingGenerator<string, Embedding<float>> inner) : DelegatingEmbeddingGenerator<string, Embedding<float>>(inner)
    {
        public override object? GetService(Type serviceType, object? serviceKey = null) => null;
    }

    private sealed class Retrieval(IChatClient inner, IEmbeddingGenerator<string, Embedding<float>> generator) : DelegatingChatClient(inner)
    {
        public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            await generator.GenerateAsync(["Hello"], cancellationToken: cancellationToken);
            return await base.GetResponseAsync(messages, options, cancellationToken);
        }

        public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await generator.GenerateAsync(["Hello"], cancellationToken: cancellationToken);
            await foreach (var update in base.GetStreamingResponseAsync(messages, options, cancellationToken))
            {
                yield return update;
            }
        }
    }

    private sealed class Guard(IChatClient inner, IChatClient judge) : DelegatingChatClient(inner)
    {
        public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            await judge.GetResponseAsync("Is this allowed?", cancellationToken: cancellationToken);
            return await base.GetResponseAsync(messages, options, cancellationToken);
        }

        public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await judge.GetResponseAsync("Is this allowed?", cancellationToken: cancellationToken);
            await foreach (var update in base.GetStreamingResponseAsync(messages, options, cancellationToken))
            {
                yield return update;
            }
        }
    }

    private sealed class Hidden(IChatClient inner) : IChatClient
    {
        public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            var response = await inner.GetResponseAsync(messages, options, cancellationToken);
            return new ChatResponse(new ChatMessage(ChatRole.Assistant, response.Text)) { Usage = response.Usage };
        }

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            inner.GetStreamingResponseAsync(messages, options, cancellationToken);

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose() => inner.Dispose();
    }
}
