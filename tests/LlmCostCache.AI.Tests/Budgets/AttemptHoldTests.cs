using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>What is held for one attempt of a call, where that is not what the call was admitted with: a further round, or another model.</summary>
public class AttemptHoldTests
{
    private static readonly Budget s_dear = Budget.Daily(10m).ForModel("gpt-4o");

    [Fact]
    public async Task A_further_round_whose_outcome_is_not_known_is_booked_at_what_was_held_for_it_and_not_for_the_first()
    {
        var held = new List<Money>();
        await using var pipeline = new Pipeline(
            o => o.Budgets.Add(Budget.Daily(10m)),
            (builder, costs) => builder.UseBudget(costs).UseFunctionInvocation().UseUsageMetering(costs));
        pipeline.Provider.Answer = async (_, options, n) =>
        {
            held.Add(Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync()).Reserved.Money);
            if (n > 1)
            {
                throw new TimeoutException("no answer");
            }

            var response = pipeline.Provider.DefaultAnswer(options, "");
            response.Messages[0].Contents = [new FunctionCallContent("c1", "look")];
            return response;
        };
        var look = AIFunctionFactory.Create(() => new string('x', 100_000), "look");
        await Assert.ThrowsAsync<TimeoutException>(() => pipeline.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 1_000, Tools = [look] }));

        Assert.True(held[1] > held[0]);
        var row = (await pipeline.RowsAsync())[^1];
        Assert.Equal((CallStatus.Assumed, held[1]), (row.Status, row.Cost.High));
    }

    [Fact]
    public async Task An_answer_without_a_price_costs_the_budget_of_the_model_that_was_really_asked_what_was_held_for_it()
    {
        await using var pipeline = Routed(o => o.Budgets.Add(s_dear));
        pipeline.Provider.Answer = (_, options, _) =>
        {
            var response = pipeline.Provider.DefaultAnswer(options, "hello");
            response.ModelId = "nobody-knows-this-model";
            return Task.FromResult(response);
        };
        var cost = (await pipeline.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 1_000 })).GetCost();

        Assert.Equal(CostCertainty.Bounded, cost.Certainty);
        var balance = Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync());
        Assert.Equal((cost.High, Money.Zero), (balance.Spent.Money, balance.Reserved.Money));
        Assert.True(balance.Spent.Money >= Money.FromUsd(0.01m), $"{balance.Spent}");
    }

    [Fact]
    public async Task A_long_stream_of_the_model_that_was_really_asked_keeps_what_was_held_for_it()
    {
        var clock = new FakeTimeProvider(new DateTimeOffset(2026, 9, 1, 12, 0, 0, TimeSpan.Zero));
        await using var pipeline = Routed(o =>
        {
            o.TimeProvider = clock;
            o.ReservationTimeout = TimeSpan.FromSeconds(10);
            o.Budgets.Add(s_dear);
        });
        var pieces = 0;
        await foreach (var _ in pipeline.Client.GetStreamingResponseAsync("long"))
        {
            clock.Advance(TimeSpan.FromSeconds(6));
            pieces++;
            await pipeline.Client.GetResponseAsync($"short {pieces}");
        }

        Assert.True(pieces > 2);
        Assert.All(await pipeline.RowsAsync(), row => Assert.Equal((CallStatus.Ok, null), (row.Status, row.Flags)));
    }

    [Fact]
    public async Task A_stream_of_the_model_that_was_really_asked_is_cut_at_what_was_held_for_it()
    {
        await using var pipeline = Routed(o => o.Budgets.Add(s_dear));
        pipeline.Provider.Stream = static (_, _, cancellation) => Endless(cancellation);
        var response = await pipeline.Client.GetStreamingResponseAsync("Hi", new ChatOptions { MaxOutputTokens = 300 }).ToChatResponseAsync();
        Assert.Equal((ChatFinishReason.Length, 301), (response.FinishReason, response.Text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length));
    }

    [Fact]
    public async Task The_limit_that_was_held_where_nobody_gives_one_is_sent_also_when_the_model_changed_on_the_way()
    {
        await using var pipeline = Routed(
            o =>
            {
                o.Budgets.Add(Budget.Daily(10m));
                o.Prices.Add(new ModelPrice("my-model") { InputPerMillion = 1m, OutputPerMillion = 2m });
            },
            "my-model");
        await pipeline.Client.GetResponseAsync("Hello");
        Assert.Equal(("my-model", 16_384), (pipeline.Provider.Calls[0].Options!.ModelId, pipeline.Provider.Calls[0].Options!.MaxOutputTokens));
    }

    [Fact]
    public async Task What_no_budget_counts_is_not_booked_at_what_was_held_for_another_model()
    {
        await using var pipeline = Routed(o => o.Budgets.Add(Budget.Daily(10m).ForModel("gpt-4-turbo")), admitted: "gpt-4-turbo");
        pipeline.Provider.Answer = (_, _, _) => throw new TimeoutException("no answer");
        await Assert.ThrowsAsync<TimeoutException>(() => pipeline.Client.GetResponseAsync("Hello", new ChatOptions { MaxOutputTokens = 1_000 }));

        // A thousand tokens of gpt-4o cost a cent, of gpt-4-turbo three.
        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.InRange(row.Cost.High, Money.FromUsd(0.01m), Money.FromUsd(0.02m));
    }

    private static Pipeline Routed(Action<LlmCostsOptions> configure, string model = "gpt-4o", string admitted = "gpt-4o-mini") => new(
        configure, (builder, costs) => builder.UseBudget(costs).Use(inner => new Router(inner, model)).UseUsageMetering(costs), new FakeChatClient(admitted));

    private static async IAsyncEnumerable<ChatResponseUpdate> Endless([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var i = 0; i < 5_000; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return new ChatResponseUpdate(ChatRole.Assistant, "word ") { MessageId = "m1", ResponseId = "r1", ModelId = "gpt-4o" };
        }

        await Task.CompletedTask;
    }

    /// <summary>Asks another model than it was told.</summary>
    private sealed class Router(IChatClient inner, string model) : DelegatingChatClient(inner)
    {
        public override Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            base.GetResponseAsync(messages, Rerouted(options), cancellationToken);

        public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            base.GetStreamingResponseAsync(messages, Rerouted(options), cancellationToken);

        private ChatOptions Rerouted(ChatOptions? options)
        {
            var copy = options?.Clone() ?? new ChatOptions();
            copy.ModelId = model;
            return copy;
        }
    }
}
