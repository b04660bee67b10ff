using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

public class PipelineTests
{
    // gpt-4o-mini: $0.15 in, $0.60 out per million; 1,000 in and 500 out.
    private static readonly Money s_price = Money.FromUsd(0.00045m);

    [Fact]
    public async Task A_call_is_priced_to_the_nano_dollar_and_written_to_the_ledger()
    {
        await using var pipeline = new Pipeline();
        var response = await pipeline.Client.GetResponseAsync("Hello");

        var cost = response.GetCost();
        Assert.Equal(CostCertainty.Known, cost.Certainty);
        Assert.Equal(s_price, cost.Amount);
        Assert.Equal(1_000, cost.Usage.UncachedInputTokens);
        Assert.NotNull(cost.PriceRevision);
        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal(s_price, row.Cost.Amount);
        Assert.Equal(CallStatus.Ok, row.Status);
        Assert.Equal("gpt-4o-mini", row.Model);
        Assert.Equal("openai", row.Provider);
    }

    [Fact]
    public async Task The_same_question_again_is_a_hit_that_costs_nothing_and_says_what_it_saved()
    {
        await using var pipeline = new Pipeline();
        await pipeline.Client.GetResponseAsync("Hello");
        var again = await pipeline.Client.GetResponseAsync("Hello");

        Assert.Single(pipeline.Provider.Calls);
        Assert.Equal("answer 1", again.Text);
        Assert.Null(again.Usage);
        var cost = again.GetCost();
        Assert.Equal(Money.Zero, cost.Amount);
        Assert.Equal(s_price, cost.Saved);
        Assert.Equal(CacheLayer.Memory, cost.CacheLayer);
        var rows = await pipeline.RowsAsync();
        Assert.Equal([CallStatus.Ok, CallStatus.Cached], rows.Select(row => row.Status));
        Assert.Equal(s_price, rows[1].Cost.Saved);
    }

    [Fact]
    public async Task A_streamed_answer_is_metered_once_and_carries_its_cost_on_the_last_update()
    {
        await using var pipeline = new Pipeline();
        var updates = await pipeline.Client.GetStreamingResponseAsync("Hello").ToListAsync();

        Assert.Equal(s_price, updates[^1].GetCost().Amount);
        Assert.Equal(s_price, updates.ToChatResponse().GetCost().Amount);
        Assert.Single(updates.ToChatResponse().Messages);
        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.True(row.Streamed);
        Assert.Equal(CallStatus.Ok, row.Status);
    }

    [Fact]
    public async Task Streamed_and_whole_answers_share_an_entry()
    {
        await using var pipeline = new Pipeline();
        await pipeline.Client.GetStreamingResponseAsync("Hello").ToListAsync();
        var whole = await pipeline.Client.GetResponseAsync("Hello");
        var streamed = await pipeline.Client.GetStreamingResponseAsync("Hello").ToChatResponseAsync();

        Assert.Single(pipeline.Provider.Calls);
        Assert.Equal("answer 1", whole.Text);
        Assert.Equal("answer 1", streamed.Text);
        Assert.Null(streamed.Usage);
        Assert.Equal(s_price, streamed.GetCost().Saved);
    }

    [Fact]
    public async Task Twenty_identical_calls_at_once_ask_the_provider_once()
    {
        var provider = new FakeChatClient { Delay = TimeSpan.FromMilliseconds(100) };
        await using var pipeline = new Pipeline(provider: provider);
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => pipeline.Client.GetResponseAsync("Hello")));

        Assert.Single(provider.Calls);
        Assert.All(answers, answer => Assert.Equal("answer 1", answer.Text));
        Assert.Equal(20, answers.Distinct().Count());
        var rows = await pipeline.RowsAsync();
        Assert.Single(rows, row => row.Status == CallStatus.Ok);
        Assert.Equal(19, rows.Count(row => row.Status is CallStatus.Coalesced or CallStatus.Cached));
    }

    [Fact]
    public async Task Answers_nobody_else_may_have_do_not_make_identical_calls_queue_up()
    {
        var provider = new FakeChatClient { Delay = TimeSpan.FromMilliseconds(50) };
        provider.Answer = (_, options, number) =>
        {
            var response = provider.DefaultAnswer(options, $"cut {number}");
            response.FinishReason = ChatFinishReason.Length;
            return Task.FromResult(response);
        };
        await using var pipeline = new Pipeline(provider: provider);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => pipeline.Client.GetResponseAsync("Hello")));

        Assert.Equal(8, provider.Calls.Count);
        Assert.Equal(8, answers.Select(answer => answer.Text).Distinct().Count());
    }

    [Fact]
    public async Task Each_round_of_function_invocation_is_a_row_and_the_answer_carries_their_sum()
    {
        var provider = AsksTwiceForTheTime();
        await using var pipeline = new Pipeline(provider: provider, build: (builder, costs) => builder.UseFunctionInvocation().UseCostCache(costs).UseBudget(costs));
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create(() => "noon", "now")] };

        var whole = await pipeline.Client.GetResponseAsync("What time is it?", options);
        Assert.Equal(s_price * 3, whole.GetCost().Amount);

        var rows = await pipeline.RowsAsync();
        Assert.Equal(3, rows.Count);
        Assert.All(rows, row => Assert.Equal(s_price, row.Cost.Amount));
        Assert.Equal(3, provider.Calls.Count);
        Assert.All(provider.Calls.SelectMany(call => call.Messages), message => Assert.DoesNotContain(message.AdditionalProperties ?? [], property => property.Key.StartsWith("llmcostcache", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Streamed_rounds_of_function_invocation_add_up_too()
    {
        var provider = AsksTwiceForTheTime();
        await using var pipeline = new Pipeline(provider: provider, build: (builder, costs) => builder.UseFunctionInvocation().UseCostCache(costs).UseBudget(costs));
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create(() => "noon", "now")] };
        var response = await pipeline.Client.GetStreamingResponseAsync("What time is it?", options).ToChatResponseAsync();

        Assert.Equal(s_price * 3, response.GetCost().Amount);
        Assert.Equal(3, (await pipeline.RowsAsync()).Count);
    }

    [Fact]
    public async Task The_provider_sees_nothing_of_ours()
    {
        await using var pipeline = new Pipeline();
        await pipeline.Client.GetResponseAsync("Hello", new ChatOptions().WithCache(c => c.Tag("t")));
        await pipeline.Client.GetStreamingResponseAsync("Hello again", new ChatOptions().WithCache(c => c.Tag("t"))).ToListAsync();

        Assert.Equal(2, pipeline.Provider.Calls.Count);
        Assert.All(pipeline.Provider.Calls, call => Assert.True(call.Options?.AdditionalProperties is null or { Count: 0 }));
    }

    [Fact]
    public async Task The_callers_options_are_not_changed()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(0.001m)));
        var options = new ChatOptions { ModelId = "gpt-4o-mini" };
        await pipeline.Client.GetResponseAsync("Hello", options);

        Assert.Null(options.AdditionalProperties);
        Assert.Null(options.MaxOutputTokens);
    }

    [Fact]
    public async Task A_later_addition_to_the_usage_does_not_reach_the_ledger_or_the_cache()
    {
        await using var pipeline = new Pipeline();
        var first = await pipeline.Client.GetResponseAsync("Hello");
        first.Usage!.Add(new UsageDetails { InputTokenCount = 1_000_000 });
        first.Messages.Clear();
        var again = await pipeline.Client.GetResponseAsync("Hello");

        Assert.Equal("answer 1", again.Text);
        Assert.Equal(1_000, again.GetCost().Usage.UncachedInputTokens);
    }

    [Fact]
    public async Task Attribution_of_the_scope_is_on_the_row()
    {
        await using var pipeline = new Pipeline();
        using (CostScope.Begin(tenant: "acme", project: "app", user: "alice", team: "search", feature: "chat", session: "s1", agent: "planner", tags: ["beta"]))
        using (CostScope.Begin(user: "bob", tags: ["alpha"]))
        {
            await pipeline.Client.GetResponseAsync("Hello");
        }

        var who = Assert.Single(await pipeline.RowsAsync()).Attribution;
        Assert.Equal(("acme", "app", "bob", "search", "chat", "s1", "planner"), (who.Tenant, who.Project, who.User, who.Team, who.Feature, who.Session, who.Agent));
        Assert.Equal(["alpha", "beta"], who.Tags.AsEnumerable());
    }

    [Fact]
    public async Task One_call_through_a_router_with_metered_clients_inside_is_one_row()
    {
        var provider = new FakeChatClient();
        await using var pipeline = new Pipeline(provider: provider, build: (_, costs) =>
        {
            var metered = provider.AsBuilder().UseUsageMetering(costs).Build();
            return new Hiding(metered).AsBuilder().UseCostCache(costs).UseBudget(costs).UseUsageMetering(costs);
        });
        var response = await pipeline.Client.GetResponseAsync("Hello");
        var streamed = await pipeline.Client.GetStreamingResponseAsync("Hello too").ToChatResponseAsync();

        Assert.Equal(s_price, response.GetCost().Amount);
        Assert.Equal(s_price, streamed.GetCost().Amount);
        Assert.Equal(2, (await pipeline.RowsAsync()).Count);
    }

    [Fact]
    public async Task A_tool_that_asks_on_its_own_is_a_call_of_its_own()
    {
        var provider = new FakeChatClient();
        await using var pipeline = new Pipeline(provider: provider, build: (builder, costs) => builder.UseBudget(costs).UseFunctionInvocation().UseUsageMetering(costs));
        var inner = new FakeChatClient("gpt-4o").AsBuilder().UseBudget(pipeline.Costs).Build();
        provider.Answer = (messages, options, number) =>
        {
            var response = provider.DefaultAnswer(options, "done");
            if (number == 1)
            {
                response.Messages = [new ChatMessage(ChatRole.Assistant, [new FunctionCallContent("c1", "ask")])];
            }

            return Task.FromResult(response);
        };
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create(async () => (await inner.GetResponseAsync("sub")).Text, "ask")] };
        await pipeline.Client.GetResponseAsync("Hello", options);

        var rows = await pipeline.RowsAsync();
        Assert.Equal(3, rows.Count);
        Assert.Equal(2, rows.Select(row => row.CallId).Distinct().Count());
        Assert.Single(rows, row => row.Model == "gpt-4o");
    }

    [Fact]
    public async Task Two_ledgers_in_one_pipeline_are_refused_when_it_is_built()
    {
        await using var pipeline = new Pipeline();
        using var home = new TempHome();
        await using var other = LlmCosts.Open(o => o.HomeDirectory = home.Path);

        var error = Assert.Throws<InvalidOperationException>(() => pipeline.Client.AsBuilder().UseBudget(other).Build());
        Assert.Contains("another LlmCosts", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_later_UseUsageMetering_configures_the_meter_that_is_there()
    {
        var provider = new FakeChatClient("gpt-4o-mini", provider: null);
        await using var pipeline = new Pipeline(provider: provider, build: (builder, costs) => builder.UseUsageMetering(costs, meter => meter.ProviderName = "openai").UseBudget(costs));
        await pipeline.Client.GetResponseAsync("Hello");

        var row = Assert.Single(await pipeline.RowsAsync());
        Assert.Equal("openai", row.Provider);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_the_cache_answers_is_filed_under_the_name_that_the_meter_was_given(bool streamed)
    {
        await using var pipeline = new Pipeline(
            o => o.Prices.Add(new ModelPrice("their-model") { Provider = "vendor", InputPerMillion = 1m, OutputPerMillion = 2m }),
            (builder, costs) => builder.UseCostCache(costs).UseUsageMetering(costs, meter => meter.ProviderName = "vendor"),
            new FakeChatClient("their-model"));
        for (var i = 0; i < 2; i++)
        {
            _ = streamed ? await pipeline.Client.GetStreamingResponseAsync("Hello").ToChatResponseAsync() : await pipeline.Client.GetResponseAsync("Hello");
        }

        Assert.Equal([(CallStatus.Ok, "vendor"), (CallStatus.Cached, "vendor")], (await pipeline.RowsAsync()).Select(row => (row.Status, row.Provider)));
    }

    [Fact]
    public async Task A_disposed_LlmCosts_says_so()
    {
        var pipeline = new Pipeline();
        await pipeline.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => pipeline.Client.GetResponseAsync("Hello"));
    }

    [Fact]
    public async Task An_unknown_model_has_an_unknown_cost_and_never_zero()
    {
        await using var pipeline = new Pipeline(provider: new FakeChatClient("never-heard-of-it", "acme-llm", "https://llm.acme.example"));
        var cost = (await pipeline.Client.GetResponseAsync("Hello")).GetCost();

        Assert.Null(cost.Amount);
        Assert.Equal(CostCertainty.Unknown, cost.Certainty);
        Assert.Contains("never-heard-of-it", cost.Reason, StringComparison.Ordinal);
        Assert.Null(Assert.Single(await pipeline.RowsAsync()).Cost.Amount);
    }

    private static FakeChatClient AsksTwiceForTheTime()
    {
        var provider = new FakeChatClient();
        provider.Answer = (messages, options, number) =>
        {
            var response = provider.DefaultAnswer(options, "done");
            if (number < 3)
            {
                response.Messages = [new ChatMessage(ChatRole.Assistant, [new FunctionCallContent($"c{number}", "now")])];
                response.FinishReason = ChatFinishReason.ToolCalls;
            }

            return Task.FromResult(response);
        };
        return provider;
    }

    /// <summary>What routers do: pass calls on, say nothing about what is inside.</summary>
    private sealed class Hiding(IChatClient inner) : DelegatingChatClient(inner)
    {
        public override object? GetService(Type serviceType, object? serviceKey = null) => null;
    }
}
