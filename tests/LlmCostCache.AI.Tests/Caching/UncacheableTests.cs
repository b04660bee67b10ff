using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>What must not be cached, at the whole client: asked twice, whole and streamed, the provider is called twice and both answers reach their callers.</summary>
public class UncacheableTests
{
    public static TheoryData<string, bool> Conditions()
    {
        var data = new TheoryData<string, bool>();
        foreach (var name in s_conditions.Keys)
        {
            data.Add(name, false);
            data.Add(name, true);
        }

        return data;
    }

    private static readonly Dictionary<string, Condition> s_conditions = new()
    {
        ["finished with length"] = Answers(r => r.FinishReason = ChatFinishReason.Length),
        ["finished with content_filter"] = Answers(r => r.FinishReason = ChatFinishReason.ContentFilter),
        ["finished with a word nobody knows"] = Answers(r => r.FinishReason = new ChatFinishReason("paused")),
        ["no finish reason"] = Answers(r => r.FinishReason = null),
        ["a tool call"] = Answers(r =>
        {
            r.FinishReason = ChatFinishReason.ToolCalls;
            r.Messages[0].Contents.Add(new FunctionCallContent("1", "now"));
        }),
        ["a tool call that claims to have stopped"] = Answers(r => r.Messages[0].Contents.Add(new FunctionCallContent("1", "now"))),
        ["an error"] = Answers(r => r.Messages[0].Contents.Add(new ErrorContent("overloaded"))),
        ["empty"] = Answers(r => r.Messages[0].Contents.Clear()),
        ["blank"] = Answers(r => r.Messages[0].Contents = [new TextContent(" \n\t ")]),
        ["only reasoning"] = Answers(r => r.Messages[0].Contents = [new TextReasoningContent("hm")]),
        ["content of a type that nobody knows"] = Answers(r => r.Messages[0].Contents.Add(new UnknownContent())),
        ["a file that may change"] = Answers(r => r.Messages[0].Contents.Add(new HostedFileContent("file-1"))),
        ["too large"] = Answers(r => r.Messages[0].Contents.Add(new TextContent(new string('x', 100_000)))) with { Configure = cache => cache.MaxAnswerBytes = 50_000 },
        ["refused by the application"] = Answers(_ => { }) with { Configure = cache => cache.ShouldStore = _ => false },
        ["not deterministic, when only such answers are wanted"] = Asks(o => o.Temperature = 0.7f) with { Configure = cache => cache.OnlyDeterministic = true },
        ["a conversation at the provider"] = Asks(o => o.ConversationId = "conv-1"),
        ["a raw factory"] = Asks(o => o.RawRepresentationFactory = _ => new object()),
#pragma warning disable MEAI001
        ["in the background"] = Asks(o => o.AllowBackgroundResponses = true),
        ["the rest of an answer"] = Asks(o => o.ContinuationToken = ResponseContinuationToken.FromBytes(new byte[] { 1 })),
#pragma warning restore MEAI001
        ["a property that has no stable form"] = Asks(o => o.AdditionalProperties = new() { ["x"] = new Action(() => { }) }),
        ["bypassed"] = Asks(o => o.WithCache(c => c.Bypass())),
        ["not to be stored"] = Asks(o => o.WithCache(c => c.NoStore())),
        ["media by address"] = new(_ => { }, _ => { }, new UriContent("https://example.com/x.png", "image/png")),
        ["media by file id"] = new(_ => { }, _ => { }, new HostedFileContent("file-1")),
        ["a question with content of a type that nobody knows"] = new(_ => { }, _ => { }, new UnknownContent()),
    };

    [Theory]
    [MemberData(nameof(Conditions))]
    public async Task What_must_not_be_cached_is_asked_again_and_reaches_its_caller(string name, bool streamed)
    {
        var condition = s_conditions[name];
        var provider = new FakeChatClient();
        provider.Answer = (_, options, number) =>
        {
            var response = provider.DefaultAnswer(options, $"answer {number}");
            condition.Twist(response);
            return Task.FromResult(response);
        };
        await using var pipeline = new Pipeline(build: (builder, costs) => builder.UseCostCache(costs, condition.Configure), provider: provider);
        for (var i = 1; i <= 2; i++)
        {
            var options = new ChatOptions();
            condition.Change(options);
            var message = new ChatMessage(ChatRole.User, condition.Content is null ? [new TextContent("Hello")] : [new TextContent("Hello"), condition.Content]);
            var answer = streamed
                ? await pipeline.Client.GetStreamingResponseAsync([message], options).ToChatResponseAsync()
                : await pipeline.Client.GetResponseAsync([message], options);
            Assert.Equal(CacheLayer.None, answer.GetCost().CacheLayer);
            Assert.True(answer.Text.Length == 0 || string.IsNullOrWhiteSpace(answer.Text) || answer.Text.StartsWith($"answer {i}", StringComparison.Ordinal));
        }

        Assert.Equal(2, provider.Calls.Count);
        Assert.All(await pipeline.RowsAsync(), row => Assert.NotEqual(CallStatus.Cached, row.Status));
    }

    private static Condition Answers(Action<ChatResponse> twist) => new(twist, _ => { }, null);

    private static Condition Asks(Action<ChatOptions> change) => new(_ => { }, change, null);

    private sealed record Condition(Action<ChatResponse> Twist, Action<ChatOptions> Change, AIContent? Content)
    {
        public Action<CostCachingChatClient> Configure { get; init; } = _ => { };
    }

    private sealed class UnknownContent : AIContent;
}
