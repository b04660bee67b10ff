using System.Diagnostics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>Runs that do not end by themselves, and what stops them.</summary>
public class RunawayGuardTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_model_that_asks_for_the_same_tool_again_and_again_is_stopped_at_the_third_round(bool guardIsOutside)
    {
        await using var pipeline = Guarded(guardIsOutside);
        AskForTool(pipeline, _ => new() { ["city"] = "Berlin" });
        using var run = CostScope.Begin(session: "run");
        var stopped = await Assert.ThrowsAsync<RunawayException>(() => pipeline.Client.GetResponseAsync("What is the weather?", Tools()));
        Assert.Equal((RunawayRule.RepeatedToolRounds, 3, "get_weather", 3), (stopped.Rule, stopped.RepeatedRounds, stopped.Tools, stopped.Calls));
        Assert.Equal(3, pipeline.Provider.Calls.Count);
        Assert.Equal(Money.FromUsd(3 * 0.00045m), stopped.Spent);
    }

    [Fact]
    public async Task Rounds_with_other_arguments_are_progress()
    {
        await using var pipeline = Guarded(guardIsOutside: true);
        AskForTool(pipeline, round => round > 6 ? null : new() { ["city"] = $"city {round}" });
        var response = await pipeline.Client.GetResponseAsync("What is the weather?", Tools());
        Assert.Equal("done", response.Text);
    }

    [Fact]
    public async Task A_tool_that_is_polled_on_purpose_may_be_repeated()
    {
        await using var pipeline = Guarded(guardIsOutside: true, o => o.RepeatableTools.Add("get_weather"));
        AskForTool(pipeline, round => round > 6 ? null : new() { ["city"] = "Berlin" });
        Assert.Equal("done", (await pipeline.Client.GetResponseAsync("What is the weather?", Tools())).Text);
    }

    [Fact]
    public async Task A_word_of_the_user_between_two_rounds_begins_anew()
    {
        await using var pipeline = Guarded(guardIsOutside: true);
        var messages = new List<ChatMessage>();
        for (var i = 0; i < 4; i++)
        {
            messages.Add(new(ChatRole.User, "And now?"));
            messages.Add(new(ChatRole.Assistant, [new FunctionCallContent($"c{i}", "get_weather", new Dictionary<string, object?> { ["city"] = "Berlin" })]));
            messages.Add(new(ChatRole.Tool, [new FunctionResultContent($"c{i}", "rain")]));
        }

        Assert.NotEmpty((await pipeline.Client.GetResponseAsync(messages)).Text);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_run_that_has_cost_enough_is_stopped(bool guardIsOutside)
    {
        await using var pipeline = Guarded(guardIsOutside, o => o.MaxCostPerRun = 0.0009m);
        AskForTool(pipeline, round => new() { ["city"] = $"city {round}" });
        using var run = CostScope.Begin(session: "run");
        var stopped = await Assert.ThrowsAsync<RunawayException>(() => pipeline.Client.GetResponseAsync("What is the weather?", Tools()));
        Assert.Equal((RunawayRule.Cost, 2, 0.0009m), (stopped.Rule, stopped.Calls, stopped.Spent.Usd));
        Assert.Equal(2, pipeline.Provider.Calls.Count);
        await Assert.ThrowsAsync<RunawayException>(() => pipeline.Client.GetResponseAsync("Once more?"));
    }

    [Fact]
    public async Task A_cap_below_a_nano_dollar_is_a_nano_dollar_and_stops_no_run_that_has_cost_nothing()
    {
        await using var pipeline = new Pipeline(build: static (builder, costs) => builder.UseRunawayGuard(costs, o => o.MaxCostPerRun = 0.0000000001m));
        using var scope = CostScope.Begin(session: "tiny");
        await pipeline.Client.GetResponseAsync("one");
        await Assert.ThrowsAsync<RunawayException>(() => pipeline.Client.GetResponseAsync("two"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_stream_is_stopped_as_well(bool guardIsOutside)
    {
        await using var pipeline = Guarded(guardIsOutside, o => o.MaxCallsPerRun = 4);
        AskForTool(pipeline, round => new() { ["city"] = $"city {round}" });
        using var run = CostScope.Begin(session: "run");
        var stopped = await Assert.ThrowsAsync<RunawayException>(async () => await pipeline.Client.GetStreamingResponseAsync("What is the weather?", Tools()).ToListAsync());
        Assert.Equal((RunawayRule.Calls, 4), (stopped.Rule, stopped.Calls));
        Assert.Equal(4, pipeline.Provider.Calls.Count);
    }

    [Fact]
    public async Task Sessions_are_runs_of_their_own()
    {
        await using var pipeline = Guarded(guardIsOutside: true, o => o.MaxCallsPerRun = 1);
        foreach (var session in (string[])["a", "b"])
        {
            using var run = CostScope.Begin(session: session);
            await pipeline.Client.GetResponseAsync("one");
            await Assert.ThrowsAsync<RunawayException>(() => pipeline.Client.GetResponseAsync("two"));
        }
    }

    [Fact]
    public async Task Agents_share_the_run_of_their_session_unless_told_otherwise()
    {
        await using var together = Guarded(guardIsOutside: true, o => o.MaxCallsPerRun = 1);
        await using var apart = Guarded(guardIsOutside: true, o => (o.MaxCallsPerRun, o.Run) = (1, RunawayScope.Agent));
        using var session = CostScope.Begin(session: "run");
        using (CostScope.Begin(agent: "planner"))
        {
            await together.Client.GetResponseAsync("one");
            await apart.Client.GetResponseAsync("one");
        }

        using (CostScope.Begin(agent: "writer"))
        {
            await Assert.ThrowsAsync<RunawayException>(() => together.Client.GetResponseAsync("two"));
            await apart.Client.GetResponseAsync("two");
        }
    }

    [Fact]
    public async Task A_trace_is_a_run_where_there_is_no_session()
    {
        await using var pipeline = Guarded(guardIsOutside: true, o => o.MaxCallsPerRun = 1);
        using (new Activity("request").SetIdFormat(ActivityIdFormat.W3C).Start())
        {
            await pipeline.Client.GetResponseAsync("one");
            await Assert.ThrowsAsync<RunawayException>(() => pipeline.Client.GetResponseAsync("two"));
        }

        using (new Activity("another").SetIdFormat(ActivityIdFormat.W3C).Start())
        {
            await pipeline.Client.GetResponseAsync("one");
        }
    }

    [Fact]
    public async Task What_a_tool_asks_of_a_model_counts_in_the_run_that_called_the_tool()
    {
        await using var pipeline = Guarded(guardIsOutside: true, o => o.MaxCallsPerRun = 3);
        var inner = new FakeChatClient().AsBuilder().UseRunawayGuard(pipeline.Costs, o => o.Run = RunawayScope.Call).Build();
        AskForTool(pipeline, round => new() { ["city"] = $"city {round}" });
        var asks = AIFunctionFactory.Create(async (string city) => (await inner.GetResponseAsync(city)).Text, "get_weather");
        using var run = CostScope.Begin(session: "run");
        var stopped = await Assert.ThrowsAsync<RunawayException>(() => pipeline.Client.GetResponseAsync("What is the weather?", new ChatOptions { Tools = [asks] }));
        Assert.Equal(3, stopped.Calls);
        Assert.Equal(2, pipeline.Provider.Calls.Count);
    }

    [Fact]
    public async Task Two_guards_of_one_run_count_a_call_once()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseRunawayGuard(costs, o => o.MaxCallsPerRun = 2).UseRunawayGuard(costs, o => o.MaxCallsPerRun = 3));
        using var run = CostScope.Begin(session: "run");
        await pipeline.Client.GetResponseAsync("one");
        await pipeline.Client.GetResponseAsync("two");
        Assert.Equal(2, (await Assert.ThrowsAsync<RunawayException>(() => pipeline.Client.GetResponseAsync("three"))).Calls);
    }

    [Fact]
    public async Task Retries_and_embeddings_count_and_hits_do_not()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseRunawayGuard(costs, o => o.MaxCallsPerRun = 3).UseCostCache(costs).UseRetry(costs, o => o.Delay = TimeSpan.Zero));
        pipeline.Provider.Answer = (_, options, number) => number == 1 ? throw new IOException("reset") : Task.FromResult(pipeline.Provider.DefaultAnswer(options, "fine"));
        using var run = CostScope.Begin(session: "run");
        for (var i = 0; i < 5; i++)
        {
            await pipeline.Client.GetResponseAsync("same");
        }

        await pipeline.Client.GetResponseAsync("other");
        Assert.Equal(3, (await Assert.ThrowsAsync<RunawayException>(() => pipeline.Client.GetResponseAsync("third"))).Calls);
    }

    [Fact]
    public async Task Hits_that_a_router_hides_count_for_nothing_either()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseRunawayGuard(costs, o => o.MaxCallsPerRun = 2).Use(inner => new Router(inner)).UseCostCache(costs));
        using var run = CostScope.Begin(session: "run");
        for (var i = 0; i < 5; i++)
        {
            await pipeline.Client.GetResponseAsync("same");
            await pipeline.Client.GetStreamingResponseAsync("same").ToChatResponseAsync();
        }

        await pipeline.Client.GetResponseAsync("other");
        Assert.Equal(2, (await Assert.ThrowsAsync<RunawayException>(() => pipeline.Client.GetResponseAsync("third"))).Calls);
    }

    [Fact]
    public async Task A_retry_that_a_budget_refuses_is_no_call_of_the_run()
    {
        // A request holds $0.0098 and one that may have been billed is booked at that.
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Total(0.012m).ForModel("gpt-4o-mini")),
            (builder, costs) => builder.UseRunawayGuard(costs, o => o.MaxCallsPerRun = 2).UseBudget(costs).UseRetry(costs, o => o.Delay = TimeSpan.Zero));
        pipeline.Provider.Answer = (_, options, number) => number == 1 ? throw new IOException("reset") : Task.FromResult(pipeline.Provider.DefaultAnswer(options, "fine"));
        using var run = CostScope.Begin(session: "run");
        await Assert.ThrowsAsync<BudgetExceededException>(() => pipeline.Client.GetResponseAsync("one"));
        await pipeline.Client.GetResponseAsync("two", new ChatOptions { ModelId = "gpt-4o" });
        Assert.Equal(2, (await Assert.ThrowsAsync<RunawayException>(() => pipeline.Client.GetResponseAsync("three", new ChatOptions { ModelId = "gpt-4o" }))).Calls);
        Assert.Equal(2, pipeline.Provider.Calls.Count);
    }

    [Fact]
    public async Task What_a_guard_further_out_stops_is_no_call_of_the_run_further_in()
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseRunawayGuard(costs, o => (o.MaxCallsPerRun, o.Run) = (1, RunawayScope.Call))
            .UseRunawayGuard(costs, o => o.MaxCallsPerRun = 3).UseFunctionInvocation(configure: Patient).UseUsageMetering(costs));
        AskForTool(pipeline, round => new() { ["city"] = $"city {round}" });
        using var run = CostScope.Begin(session: "run");
        for (var turn = 0; turn < 2; turn++)
        {
            Assert.Equal(1, (await Assert.ThrowsAsync<RunawayException>(() => pipeline.Client.GetResponseAsync("What is the weather?", Tools()))).Calls);
        }

        Assert.Equal(3, (await Assert.ThrowsAsync<RunawayException>(() => pipeline.Client.GetResponseAsync("What is the weather?", Tools()))).Calls);
        Assert.Equal(3, pipeline.Provider.Calls.Count);
    }

    [Fact]
    public async Task A_stopped_run_is_in_the_ledger_once_and_costs_nothing()
    {
        await using var pipeline = Guarded(guardIsOutside: true, o => o.MaxCallsPerRun = 1);
        using var run = CostScope.Begin(session: "run");
        await pipeline.Client.GetResponseAsync("one");
        await Assert.ThrowsAsync<RunawayException>(() => pipeline.Client.GetResponseAsync("two"));
        await Assert.ThrowsAsync<RunawayException>(() => pipeline.Client.GetResponseAsync("three"));
        var blocked = Assert.Single(await pipeline.RowsAsync(), row => row.Status == CallStatus.Blocked);
        Assert.Equal((Money.Zero, "run", nameof(RunawayException)), (blocked.Cost.Amount, blocked.Attribution.Session, blocked.Error));
    }

    [Fact]
    public async Task A_stopped_call_holds_nothing()
    {
        await using var pipeline = new Pipeline(o => o.Budgets.Add(Budget.Daily(10m)), (builder, costs) => builder.UseRunawayGuard(costs, o => o.MaxCallsPerRun = 1).UseBudget(costs));
        using var run = CostScope.Begin(session: "run");
        await pipeline.Client.GetResponseAsync("one");
        await Assert.ThrowsAsync<RunawayException>(() => pipeline.Client.GetResponseAsync("two"));
        Assert.Equal(Money.Zero, Assert.Single(await pipeline.Costs.Store.ReadBalancesAsync(default)).Reserved.Money);
    }

    [Fact]
    public void Runs_that_were_silent_for_long_are_forgotten()
    {
        var time = new FakeTimeProvider();
        var runs = new Runs(time);
        var first = runs.Of(new RunKey(null, "s", null, null), TimeSpan.FromHours(1));
        time.Advance(TimeSpan.FromMinutes(59));
        Assert.Same(first, runs.Of(new RunKey(null, "s", null, null), TimeSpan.FromHours(1)));
        time.Advance(TimeSpan.FromHours(1));
        Assert.NotSame(first, runs.Of(new RunKey(null, "s", null, null), TimeSpan.FromHours(1)));
        for (var i = 0; i < 10_000; i++)
        {
            runs.Of(new RunKey(null, $"s{i}", null, null), TimeSpan.FromHours(1));
            time.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.InRange(runs.Count, 60, 1_100);
    }

    [Fact]
    public async Task A_turn_that_takes_longer_than_the_time_after_which_runs_are_forgotten_is_not_forgotten()
    {
        var time = new FakeTimeProvider();
        await using var pipeline = new Pipeline(o => o.TimeProvider = time,
            (builder, costs) => builder.UseRunawayGuard(costs, o => (o.MaxCallsPerRun, o.IdleTimeout) = (3, TimeSpan.FromHours(1))).UseFunctionInvocation().UseUsageMetering(costs));
        AskForTool(pipeline, round => round > 2 ? null : new() { ["city"] = $"city {round}" });
        using var run = CostScope.Begin(session: "run");
        var slow = AIFunctionFactory.Create((string city) =>
        {
            time.Advance(TimeSpan.FromMinutes(40));
            return "rain";
        }, "get_weather");
        await pipeline.Client.GetResponseAsync("What is the weather?", new ChatOptions { Tools = [slow] });
        Assert.Equal(3, pipeline.Provider.Calls.Count);

        var stopped = await Assert.ThrowsAsync<RunawayException>(() => pipeline.Client.GetResponseAsync("And now?"));
        Assert.Equal((RunawayRule.Calls, 3), (stopped.Rule, stopped.Calls));
    }

    [Fact]
    public void The_order_of_calls_and_of_arguments_makes_no_other_round()
    {
        static ChatMessage[] Round(params FunctionCallContent[] calls) =>
        [
            new(ChatRole.Assistant, [.. calls]),
            new(ChatRole.Tool, [.. calls.Select(call => new FunctionResultContent(call.CallId, "rain"))]),
        ];

        static FunctionCallContent Call(string name, params (string Name, object? Value)[] arguments) =>
            new(Guid.NewGuid().ToString("N"), name, arguments.ToDictionary(argument => argument.Name, argument => argument.Value));

        ChatMessage[] messages =
        [
            new(ChatRole.User, "Go"),
            .. Round(Call("other")),
            .. Round(Call("a", ("x", 1), ("y", "two")), Call("b")),
            .. Round(Call("b"), Call("a", ("y", "two"), ("x", System.Text.Json.JsonSerializer.SerializeToElement(1)))),
        ];
        Assert.Equal(new ToolRounds(2, "b, a"), ToolRounds.AtTheEndOf(messages, 10, _ => false));
    }

    [Fact]
    public void What_a_model_says_beside_its_calls_makes_no_other_round_even_as_a_message_of_its_own()
    {
        static ChatMessage[] Round(int number) =>
        [
            new(ChatRole.Assistant, $"Let me look, for the {number}th time."),
            new(ChatRole.Assistant, [new FunctionCallContent($"c{number}", "get_weather")]),
            new(ChatRole.Assistant, "One moment."),
            new(ChatRole.Tool, [new FunctionResultContent($"c{number}", "rain")]),
        ];

        ChatMessage[] messages = [new(ChatRole.User, "Go"), .. Round(1), new(ChatRole.User, "Again"), .. Round(2), .. Round(3), .. Round(4)];
        Assert.Equal(new ToolRounds(3, "get_weather"), ToolRounds.AtTheEndOf(messages, 10, _ => false));
    }

    private sealed class Router(IChatClient inner) : DelegatingChatClient(inner)
    {
        public override object? GetService(Type serviceType, object? serviceKey = null) => null;
    }

    private static Pipeline Guarded(bool guardIsOutside, Action<RunawayOptions>? configure = null) => new(build: (builder, costs) => guardIsOutside
        ? builder.UseRunawayGuard(costs, configure).UseFunctionInvocation(configure: Patient).UseUsageMetering(costs)
        : builder.UseFunctionInvocation(configure: Patient).UseRunawayGuard(costs, configure).UseUsageMetering(costs));

    private static void Patient(FunctionInvokingChatClient client) => client.MaximumIterationsPerRequest = 20;

    private static ChatOptions Tools() => new() { Tools = [AIFunctionFactory.Create((string city) => $"rain in {city}", "get_weather")] };

    private static void AskForTool(Pipeline pipeline, Func<int, Dictionary<string, object?>?> argumentsOf) => pipeline.Provider.Answer = (_, options, number) =>
    {
        var response = pipeline.Provider.DefaultAnswer(options, "done");
        if (argumentsOf(number) is { } arguments)
        {
            response.Messages[0].Contents = [new FunctionCallContent($"c{number}", "get_weather", arguments)];
            response.FinishReason = ChatFinishReason.ToolCalls;
        }

        return Task.FromResult(response);
    };
}
