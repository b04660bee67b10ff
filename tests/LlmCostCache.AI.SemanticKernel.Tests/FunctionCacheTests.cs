using Microsoft.Extensions.AI;
using Microsoft.SemanticKernel;
using Microsoft.SemanticKernel.Connectors.OpenAI;

namespace LlmCostCache.AI.SemanticKernel.Tests;

public class FunctionCacheTests
{
    [Theory]
    [InlineData("plain client")]
    [InlineData("metered service")]
    [InlineData("connector")]
    public async Task A_chosen_function_asks_once_and_then_says_what_it_saved(string kernel)
    {
        await using var fixture = Over(kernel);
        var haiku = fixture.AddPrompt("haiku", "Write about {{$topic}}");
        var first = await fixture.Kernel.InvokeAsync(haiku, Topic("rain"));
        var again = await fixture.Kernel.InvokeAsync(haiku, Topic("rain"));

        Assert.Equal(first.ToString(), again.ToString());
        Assert.Equal(first.ValueType!.IsSubclassOf(typeof(ChatMessageContent)) ? typeof(ChatMessageContent) : first.ValueType, again.ValueType);
        var rows = await fixture.RowsAsync();
        Assert.Equal([CallStatus.Ok, CallStatus.Cached], rows.Select(row => row.Status));
        Assert.Equal(MeteringTests.PriceOver(kernel), rows[1].Cost.Saved);
        Assert.Equal(Money.Zero, rows[1].Cost.Amount);
        Assert.Equal("Writer.haiku", rows[1].Attribution.Feature);
    }

    [Fact]
    public async Task Functions_that_were_not_chosen_ask_every_time()
    {
        await using var fixture = Over("plain client");
        var other = fixture.AddPrompt("other", "Write about rain");
        await fixture.Kernel.InvokeAsync(other);
        await fixture.Kernel.InvokeAsync(other);

        Assert.Equal(2, fixture.Provider.Calls.Count);
    }

    [Fact]
    public async Task A_rule_chooses_functions_too()
    {
        await using var fixture = MeteringTests.Over("plain client", filters: options => options.ShouldCache = function => function.Name == "other");
        var other = fixture.AddPrompt("other", "Write about rain");
        await fixture.Kernel.InvokeAsync(other);
        await fixture.Kernel.InvokeAsync(other);

        Assert.Single(fixture.Provider.Calls);
    }

    [Fact]
    public async Task A_hit_of_a_chat_client_carries_its_cost_and_no_usage()
    {
        await using var fixture = Over("plain client");
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        await fixture.Kernel.InvokeAsync(haiku);
        var response = (await fixture.Kernel.InvokeAsync(haiku)).GetValue<ChatResponse>()!;

        Assert.Null(response.Usage);
        Assert.Equal(Money.Zero, response.GetCost().Amount);
        Assert.Equal(KernelFixture.Price, response.GetCost().Saved);
    }

    [Theory]
    [InlineData("plain client")]
    [InlineData("connector")]
    public async Task Whole_and_streamed_answers_share_an_entry(string kernel)
    {
        await using var fixture = Over(kernel);
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        var whole = (await fixture.Kernel.InvokeAsync(haiku)).ToString();
        Assert.Equal(whole, string.Concat(await fixture.Kernel.InvokeStreamingAsync<string>(haiku).ToListAsync()));
        Assert.Equal(whole, string.Concat(await fixture.Kernel.InvokeStreamingAsync(haiku).ToListAsync()));
        Assert.Equal(whole, string.Concat(await fixture.Kernel.InvokeStreamingAsync<StreamingChatMessageContent>(haiku).ToListAsync()));
        var updates = await fixture.Kernel.InvokeStreamingAsync<ChatResponseUpdate>(haiku).ToListAsync();
        Assert.Equal(whole, updates.ToChatResponse().Text);
        Assert.Equal(MeteringTests.PriceOver(kernel), updates.ToChatResponse().GetCost().Saved);

        Assert.Equal(1, fixture.Provider.Calls.Count + fixture.OpenAI.Requests);
        Assert.Equal([CallStatus.Ok, .. Enumerable.Repeat(CallStatus.Cached, 4)], (await fixture.RowsAsync()).Select(row => row.Status));
    }

    [Theory]
    [InlineData("metered service")]
    [InlineData("connector")]
    public async Task A_streamed_answer_is_kept_when_it_was_read_to_its_end(string kernel)
    {
        await using var fixture = Over(kernel);
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        await foreach (var _ in fixture.Kernel.InvokeStreamingAsync(haiku))
        {
            break;
        }

        var streamed = string.Concat(await fixture.Kernel.InvokeStreamingAsync(haiku).ToListAsync());
        Assert.Equal(streamed, (await fixture.Kernel.InvokeAsync(haiku)).ToString());
        Assert.Equal([CallStatus.Incomplete, CallStatus.Ok, CallStatus.Cached], (await fixture.RowsAsync()).Select(row => row.Status));
    }

    [Fact]
    public async Task A_stream_that_does_not_show_why_it_ended_is_not_kept()
    {
        await using var fixture = Over("plain client");
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        await fixture.Kernel.InvokeStreamingAsync(haiku).ToListAsync();
        await fixture.Kernel.InvokeAsync(haiku);

        Assert.Equal(2, fixture.Provider.Calls.Count);
    }

    [Fact]
    public async Task A_truncated_answer_is_not_kept()
    {
        await using var fixture = Over("plain client");
        fixture.Provider.Answer = (_, options, number) =>
        {
            var response = fixture.Provider.DefaultAnswer(options, $"answer {number}");
            response.FinishReason = ChatFinishReason.Length;
            return Task.FromResult(response);
        };
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        await fixture.Kernel.InvokeAsync(haiku);
        Assert.Equal("answer 2", (await fixture.Kernel.InvokeAsync(haiku)).ToString());
    }

    [Fact]
    public async Task Another_argument_setting_tenant_or_template_is_another_question()
    {
        await using var fixture = Over("connector");
        var haiku = fixture.AddPrompt("haiku", "Write about {{$topic}}");
        await fixture.Kernel.InvokeAsync(haiku, Topic("rain"));
        await fixture.Kernel.InvokeAsync(haiku, Topic("snow"));
        Assert.Equal(2, fixture.OpenAI.Requests);

        await fixture.Kernel.InvokeAsync(haiku, Topic("rain", new OpenAIPromptExecutionSettings { Temperature = 0.1 }));
        Assert.Equal(3, fixture.OpenAI.Requests);
        await fixture.Kernel.InvokeAsync(haiku, Topic("rain", new OpenAIPromptExecutionSettings { Temperature = 0.1, ChatSystemPrompt = "Be brief." }));
        Assert.Equal(4, fixture.OpenAI.Requests);
        await fixture.Kernel.InvokeAsync(haiku, Topic("rain", new OpenAIPromptExecutionSettings { Temperature = 0.1 }));
        Assert.Equal(4, fixture.OpenAI.Requests);

        using (CostScope.Begin(tenant: "acme"))
        {
            await fixture.Kernel.InvokeAsync(haiku, Topic("rain"));
        }

        Assert.Equal(5, fixture.OpenAI.Requests);
        var changed = fixture.Kernel.CreateFunctionFromPrompt("Sing about {{$topic}}", functionName: "haiku");
        await fixture.Kernel.InvokeAsync(changed.Clone("Writer"), Topic("rain"));
        Assert.Equal(6, fixture.OpenAI.Requests);
    }

    [Fact]
    public async Task Another_namespace_is_another_question()
    {
        await using var fixture = Over("plain client");
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        await fixture.Kernel.InvokeAsync(haiku);
        fixture.Kernel.AddLlmCostFilters(configure: options => options.CacheNamespace = "other");
        await fixture.Kernel.InvokeAsync(haiku);

        Assert.Equal(2, fixture.Provider.Calls.Count);
    }

    [Fact]
    public async Task A_function_whose_model_may_call_others_is_not_cached()
    {
        await using var fixture = Over("connector");
        var called = 0;
        fixture.AddNative("Clock", "now", () => $"{++called}");
        fixture.OpenAI.FunctionRounds = 1;
        var haiku = fixture.AddPrompt("haiku", "What time is it?", MeteringTests.Settings());
        await fixture.Kernel.InvokeAsync(haiku);
        await fixture.Kernel.InvokeAsync(haiku);

        Assert.Equal(1, called);
        Assert.Equal(3, fixture.OpenAI.Requests);
    }

    [Fact]
    public async Task Settings_that_cannot_be_written_down_bypass_the_cache()
    {
        await using var fixture = Over("connector");
        var haiku = fixture.AddPrompt("haiku", "Write about rain", new OpenAIPromptExecutionSettings { ResponseFormat = typeof(Answer) });
        await fixture.Kernel.InvokeAsync(haiku);
        await fixture.Kernel.InvokeAsync(haiku);

        Assert.Equal(2, fixture.OpenAI.Requests);
    }

    [Fact]
    public async Task Identical_functions_at_once_ask_once()
    {
        await using var fixture = Over("plain client");
        fixture.Provider.Delay = TimeSpan.FromMilliseconds(100);
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => fixture.Kernel.InvokeAsync(haiku)));

        Assert.All(answers, answer => Assert.Equal("answer 1", answer.ToString()));
        Assert.Single(fixture.Provider.Calls);
        Assert.Equal(7, (await fixture.RowsAsync()).Count(row => row.Status is CallStatus.Coalesced or CallStatus.Cached));
    }

    [Fact]
    public async Task A_failed_leader_lets_another_ask()
    {
        await using var fixture = Over("plain client");
        fixture.Provider.Delay = TimeSpan.FromMilliseconds(50);
        fixture.Provider.Answer = (_, options, number) =>
            number == 1 ? throw new HttpRequestException("down") : Task.FromResult(fixture.Provider.DefaultAnswer(options, "up"));
        var haiku = fixture.AddPrompt("haiku", "Write about rain");
        var answers = Enumerable.Range(0, 4).Select(_ => fixture.Kernel.InvokeAsync(haiku)).ToList();
        await Task.WhenAll(answers.Select(async answer => await ((Task)answer).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing)));

        Assert.Equal(1, answers.Count(answer => answer.IsFaulted));
        Assert.Equal(2, fixture.Provider.Calls.Count);
    }

    private static KernelFixture Over(string kernel) => MeteringTests.Over(kernel, filters: options => options.CacheFunctions.Add("Writer.haiku"));

    private static KernelArguments Topic(string topic, PromptExecutionSettings? settings = null) => new(settings) { ["topic"] = topic };

    private sealed record Answer(string Text);
}
