using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.ChatCompletion;

namespace LlmCostCache.AI.SemanticKernel.Tests;

/// <summary>Loops of automatic function calling that do not end by themselves.</summary>
public class RunawayTests
{
    [Theory]
    [InlineData("connector", false)]
    [InlineData("connector", true)]
    [InlineData("plain client", false)]
    [InlineData("metered client", true)]
    public async Task A_model_that_asks_for_the_same_function_again_and_again_is_stopped(string kernel, bool streamed)
    {
        await using var fixture = Over(kernel, new RunawayOptions());
        var called = 0;
        var ask = Loop(fixture, () => $"{++called}");
        var stopped = await Assert.ThrowsAsync<RunawayException>(() => RunAsync(fixture, ask, streamed));
        Assert.Equal((RunawayRule.RepeatedToolRounds, 3, kernel == "connector" ? "Clock.now" : "Clock_now"), (stopped.Rule, stopped.RepeatedRounds, stopped.Tools));
        Assert.Equal((3, 2), (fixture.OpenAI.Requests + fixture.Provider.Calls.Count, called));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_run_that_has_cost_enough_is_stopped(bool streamed)
    {
        await using var fixture = Over("connector", new RunawayOptions { MaxRepeatedToolRounds = null, MaxCostPerRun = 0.001m });
        var stopped = await Assert.ThrowsAsync<RunawayException>(() => RunAsync(fixture, Loop(fixture, () => "noon"), streamed));
        Assert.Equal((RunawayRule.Cost, ScriptedOpenAI.Price * 3, 3), (stopped.Rule, stopped.Spent, stopped.Calls));
        Assert.Equal(3, fixture.OpenAI.Requests);
    }

    [Theory]
    [InlineData("connector")]
    [InlineData("metered client")]
    public async Task Functions_of_one_session_are_one_run(string kernel)
    {
        await using var fixture = Over(kernel, new RunawayOptions { MaxCallsPerRun = 2 });
        var haiku = fixture.AddPrompt("haiku", "Write about rain {{$n}}");
        using var session = CostScope.Begin(session: "run");
        await fixture.Kernel.InvokeAsync(haiku, new() { ["n"] = 1 });
        await fixture.Kernel.InvokeAsync(haiku, new() { ["n"] = 2 });
        var stopped = await Assert.ThrowsAsync<RunawayException>(() => fixture.Kernel.InvokeAsync(haiku, new() { ["n"] = 3 }));
        Assert.Equal((RunawayRule.Calls, 2), (stopped.Rule, stopped.Calls));
    }

    [Theory]
    [InlineData("connector")]
    [InlineData("metered client")]
    public async Task A_function_that_is_polled_on_purpose_may_be_repeated(string kernel)
    {
        var runaway = new RunawayOptions { MaxCallsPerRun = 5 };
        runaway.RepeatableTools.Add("Clock.now");
        await using var fixture = Over(kernel, runaway);
        var stopped = await Assert.ThrowsAsync<RunawayException>(() => RunAsync(fixture, Loop(fixture, () => "noon"), streamed: false));
        Assert.Equal((RunawayRule.Calls, 5), (stopped.Rule, fixture.OpenAI.Requests + fixture.Provider.Calls.Count));
    }

    [Fact]
    public async Task A_kernel_keeps_its_own_caps_inside_the_run_of_a_guarded_client_too()
    {
        await using var fixture = Over("connector", new RunawayOptions { MaxCallsPerRun = 2 });
        var haiku = fixture.AddPrompt("haiku", "Write about rain {{$n}}");
        var agent = new FakeChatClient();
        agent.Answer = async (_, options, number) =>
        {
            await fixture.Kernel.InvokeAsync(haiku, new() { ["n"] = number });
            return agent.DefaultAnswer(options, "written");
        };
        using var client = agent.AsBuilder().UseRunawayGuard(fixture.Costs).Build();
        using var session = CostScope.Begin(session: "run");
        await client.GetResponseAsync("one");
        var stopped = await Assert.ThrowsAsync<RunawayException>(() => client.GetResponseAsync("two"));
        Assert.Equal((RunawayRule.Calls, 3, 1), (stopped.Rule, stopped.Calls, fixture.OpenAI.Requests));
    }

    [Fact]
    public async Task A_function_that_asks_a_chat_service_by_itself_is_stopped_as_well()
    {
        await using var fixture = Over("connector", new RunawayOptions());
        fixture.AddNative("Clock", "now", () => "noon");
        fixture.OpenAI.FunctionRounds = 1_000;
        var work = fixture.AddNative("Agent", "work", async (Kernel kernel) =>
            (await kernel.GetRequiredService<IChatCompletionService>().GetChatMessageContentAsync(new ChatHistory("What time is it?"), MeteringTests.Settings(), kernel)).Content);
        var stopped = await Assert.ThrowsAsync<RunawayException>(() => fixture.Kernel.InvokeAsync(work));
        Assert.Equal((RunawayRule.RepeatedToolRounds, 3, 3), (stopped.Rule, stopped.RepeatedRounds, fixture.OpenAI.Requests));
    }

    private static KernelFunction Loop(KernelFixture fixture, Func<string> now)
    {
        fixture.AddNative("Clock", "now", now);
        fixture.OpenAI.FunctionRounds = 1_000;
        fixture.CallFunctions(1_000, "Clock_now");
        return fixture.AddPrompt("ask", "What time is it?", MeteringTests.Settings());
    }

    private static async Task RunAsync(KernelFixture fixture, KernelFunction function, bool streamed)
    {
        if (streamed)
        {
            await fixture.Kernel.InvokeStreamingAsync(function).ToListAsync();
        }
        else
        {
            await fixture.Kernel.InvokeAsync(function);
        }
    }

    private static KernelFixture Over(string kernel, RunawayOptions runaway) => new(services: kernel switch
    {
        "connector" => KernelFixture.Connector,
        "metered client" => KernelFixture.Metered,
        _ => KernelFixture.Plain,
    }, filters: filters => filters.Runaway = runaway);
}
