using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

public class CachePolicyTests
{
    private static ChatResponse With(Action<ChatResponse> change)
    {
        var response = CacheFixture.Answer();
        change(response);
        return response;
    }

    private static ChatResponse Saying(params AIContent[] contents) => With(r => r.Messages[0].Contents = [.. contents]);

    private static string? WhyNot(ChatResponse response, CachePolicy? policy = null) => (policy ?? CachePolicy.Default).WhyNotStore(response);

    public static TheoryData<string, ChatResponse> Unfit() => new()
    {
        { "length", With(r => r.FinishReason = ChatFinishReason.Length) },
        { "content_filter", With(r => r.FinishReason = ChatFinishReason.ContentFilter) },
        { "tool_calls", With(r => r.FinishReason = ChatFinishReason.ToolCalls) },
        { "something new", With(r => r.FinishReason = new ChatFinishReason("something new")) },
        { "no finish reason", With(r => r.FinishReason = null) },
        { "no finish reason", With(r => { r.FinishReason = null; r.RawRepresentation = new RawAnswer("incomplete"); }) },
        { "no finish reason", With(r => { r.FinishReason = null; r.RawRepresentation = new ThrowingRaw(); }) },
        { "no finish reason", With(r => { r.FinishReason = null; r.RawRepresentation = new UnreadableRaw(); }) },
#pragma warning disable MEAI001
        { "under way", With(r => r.ContinuationToken = ResponseContinuationToken.FromBytes(new byte[] { 1 })) },
#pragma warning restore MEAI001
        { "empty", With(r => r.Messages.Clear()) },
        { "empty", Saying() },
        { "empty", Saying(new TextContent(" \n")) },
        { "empty", Saying(new TextReasoningContent("thinking")) },
        { "ErrorContent", Saying(new TextContent("a"), new ErrorContent("b")) },
        { "FunctionCallContent", Saying(new TextContent("a"), new FunctionCallContent("1", "f")) },
        { "UriContent", Saying(new TextContent("a"), new UriContent("https://a.example/", "image/png")) },
        { "AIContent", Saying(new TextContent("a"), new AIContent()) },
        { "role tool", With(r => r.Messages.Insert(0, new ChatMessage(ChatRole.Tool, "x"))) },
    };

    [Theory]
    [MemberData(nameof(Unfit))]
    public async Task Unfit_answers_are_not_stored(string why, ChatResponse response)
    {
        Assert.Contains(why, WhyNot(response), StringComparison.Ordinal);

        await using var fixture = new CacheFixture();
        Assert.NotNull(fixture.Cache.Store(fixture.Plan("Q"), response, CacheFixture.Cost));
        Assert.Null(await fixture.FindAsync(fixture.Plan("Q")));
    }

    [Fact]
    public void Finished_answers_are_stored()
    {
        Assert.Null(WhyNot(CacheFixture.Answer()));
        Assert.Null(WhyNot(Saying(new DataContent(new byte[] { 1 }, "image/png"))));
        Assert.Null(WhyNot(Saying(new TextReasoningContent("thinking"), new TextContent("a"), new UsageContent())));
    }

    [Fact]
    public void An_answer_without_finish_reason_is_finished_when_its_raw_form_says_so() =>
        Assert.Null(WhyNot(With(r => { r.FinishReason = null; r.RawRepresentation = new RawAnswer("Completed"); })));

    [Fact]
    public void Function_calls_are_stored_only_on_request()
    {
        var call = Saying(new FunctionCallContent("1", "f", new Dictionary<string, object?> { ["a"] = 1 }));
        call.FinishReason = ChatFinishReason.ToolCalls;

        Assert.Null(WhyNot(call, new CachePolicy { StoreToolCalls = true }));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_function_call_that_cannot_be_read_is_asked_for_again(bool streamed)
    {
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseCostCache(costs, cache => cache.StoreToolCalls = true));
        pipeline.Provider.Answer = (_, options, n) =>
        {
            var answer = pipeline.Provider.DefaultAnswer(options, "");
            answer.Messages[0].Contents = [new FunctionCallContent("1", "order") { Exception = new System.Text.Json.JsonException("its arguments are no JSON") }];
            answer.FinishReason = ChatFinishReason.ToolCalls;
            return Task.FromResult(answer);
        };
        for (var i = 0; i < 2; i++)
            _ = streamed ? await pipeline.Client.GetStreamingResponseAsync("Order one").ToChatResponseAsync() : await pipeline.Client.GetResponseAsync("Order one");

        Assert.Equal(2, pipeline.Provider.Calls.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_function_call_that_only_informs_is_not_replayed_as_one_that_is_to_be_made(bool streamed)
    {
        // Microsoft.Extensions.AI invokes what a response calls, unless the call says that it only informs: a service has made it already.
        var made = 0;
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseFunctionInvocation().UseCostCache(costs, cache => cache.StoreToolCalls = true));
        pipeline.Provider.Answer = (_, options, n) =>
        {
            var answer = pipeline.Provider.DefaultAnswer(options, $"answer {n}");
            answer.Messages[0].Contents.Add(new FunctionCallContent("1", "order") { InformationalOnly = true });
            return Task.FromResult(answer);
        };
        var options = new ChatOptions { Tools = [AIFunctionFactory.Create(() => ++made, "order")] };

        for (var i = 0; i < 2; i++)
            _ = streamed ? await pipeline.Client.GetStreamingResponseAsync("Order one", options).ToChatResponseAsync() : await pipeline.Client.GetResponseAsync("Order one", options);

        Assert.Equal(0, made);
        Assert.False(new CachePolicy { StoreToolCalls = true }.MayShare(new ChatResponseUpdate(ChatRole.Assistant, [new FunctionCallContent("1", "order") { InformationalOnly = true }])));
    }

    [Fact]
    public void The_application_has_the_last_word() =>
        Assert.NotNull(WhyNot(CacheFixture.Answer("I cannot help with that."), new CachePolicy { ShouldStore = r => !r.Text.StartsWith("I cannot", StringComparison.Ordinal) }));

    [Fact]
    public async Task Too_large_an_answer_is_not_stored()
    {
        await using var fixture = new CacheFixture();
        var policy = new CachePolicy { MaxAnswerBytes = 10_000 };

        Assert.Contains("large", fixture.Cache.Store(fixture.Plan("Q", policy: policy), CacheFixture.Answer(new string('x', 10_000)), CacheFixture.Cost), StringComparison.Ordinal);
        Assert.Null(fixture.Cache.Store(fixture.Plan("Q", policy: policy), CacheFixture.Answer(new string('x', 1_000)), CacheFixture.Cost));
    }

    [Fact]
    public async Task Only_deterministic_questions_are_cached_when_asked_to()
    {
        await using var fixture = new CacheFixture();
        var policy = new CachePolicy { OnlyDeterministic = true };

        Assert.NotNull(fixture.Plan("Q", policy: policy).BypassReason);
        Assert.NotNull(fixture.Plan("Q", new ChatOptions { Temperature = 0.1f }, policy: policy).BypassReason);
        Assert.Null(fixture.Plan("Q", new ChatOptions { Temperature = 0 }, policy: policy).BypassReason);
    }

    private sealed record RawAnswer(string Status);

    private sealed class UnreadableRaw
    {
        public string Status
        {
            set => _ = value;
        }
    }

    private sealed class ThrowingRaw
    {
        public string Status => throw new TimeoutException();
    }
}
