using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

public class CacheKeyTests
{
    private static readonly JsonElement s_schema = Json("""{"type":"object","properties":{"city":{"type":"string"}}}""");

    private static JsonElement Json(string json) => JsonElement.Parse(json);

    private static CacheKey? TryKey(IList<ChatMessage> messages, ChatOptions? options = null, string? ns = null, string? callNs = null,
        string? tenant = null, CacheEndpoint? endpoint = null, bool uris = false)
    {
        var at = endpoint ?? CacheFixture.Endpoint;
        return QuestionKeys.TryKey(messages, options, at, ns, callNs, tenant, options?.ModelId ?? at.DefaultModel, uris, out var key, out var whyNot)
            ? key
            : whyNot is null ? throw new InvalidOperationException("refused without a reason") : null;
    }

    private static CacheKey Key(IList<ChatMessage> messages, ChatOptions? options = null, bool uris = false) => TryKey(messages, options, uris: uris)!.Value;

    private static CacheKey Key(ChatOptions? options) => Key(CacheFixture.Ask("Q"), options);

    private static CacheKey Key(params AIContent[] contents) => Key([new ChatMessage(ChatRole.User, contents)], uris: true);

    private static AIFunctionDeclaration Tool(string name = "weather", string description = "Tells the weather", JsonElement? schema = null,
        JsonElement? returned = null) => AIFunctionFactory.CreateDeclaration(name, description, schema ?? s_schema, returned);

    [Fact]
    public void Same_prompt_with_other_tools_is_another_question()
    {
        CacheKey[] keys =
        [
            Key((ChatOptions?)null),
            Key(new ChatOptions { Tools = [Tool()] }),
            Key(new ChatOptions { Tools = [Tool("other")] }),
            Key(new ChatOptions { Tools = [Tool(description: "Lies about the weather")] }),
            Key(new ChatOptions { Tools = [Tool(schema: Json("""{"type":"object"}"""))] }),
            Key(new ChatOptions { Tools = [Tool(returned: s_schema)] }),
            Key(new ChatOptions { Tools = [Tool(), Tool("other")] }),
            Key(new ChatOptions { Tools = [Tool("other"), Tool()] }),
            Key(new ChatOptions { Tools = [new HostedWebSearchTool()] }),
            Key(new ChatOptions { Tools = [new HostedCodeInterpreterTool()] }),
        ];

        Assert.Equal(keys.Length, keys.Distinct().Count());
        Assert.Equal(keys[1], Key(new ChatOptions { Tools = [Tool()] }));
    }

    [Fact]
    public void Ids_and_times_of_messages_do_not_matter()
    {
        ChatMessage[] one = [new(ChatRole.User, "Q") { MessageId = "m1", CreatedAt = DateTimeOffset.UnixEpoch, RawRepresentation = 1 }];
        ChatMessage[] other = [new(ChatRole.User, "Q") { MessageId = "m2" }];

        Assert.Equal(Key(one), Key(other));
    }

    [Fact]
    public void No_options_and_empty_options_are_the_same()
    {
        var empty = new ChatOptions
        {
            Tools = [],
            StopSequences = [],
            AdditionalProperties = [],
            AllowBackgroundResponses = false,
            Reasoning = new ReasoningOptions(),
        };

        Assert.Equal(Key((ChatOptions?)null), Key(new ChatOptions()));
        Assert.Equal(Key((ChatOptions?)null), Key(empty));
    }

    [Fact]
    public void Our_own_notes_are_not_part_of_the_question()
    {
        var options = new ChatOptions().WithCache(c => c.Tag("t").Refresh());
        ChatMessage[] noted = [new(ChatRole.User, "Q") { AdditionalProperties = new() { ["llmcostcache.cost"] = "v1" } }];

        Assert.Equal(Key((ChatOptions?)null), Key(options));
        Assert.Equal(Key((ChatOptions?)null), Key(noted));
    }

    [Fact]
    public void A_property_that_the_provider_is_sent_counts_however_much_its_name_looks_like_ours()
    {
        static ChatOptions Mode(int mode) => new() { AdditionalProperties = new() { ["LlmCostCacheMode"] = mode } };
        var sent = Mode(1);

        Assert.Same(sent, ChatMessages.WithoutOwnProperties(sent));
        Assert.NotEqual(Key(Mode(1)), Key(Mode(2)));
    }

    [Fact]
    public void Call_ids_count_by_their_order_not_by_their_name()
    {
        static ChatMessage[] Turn(string first, string second, string answered) =>
        [
            new(ChatRole.Assistant, [new FunctionCallContent(first, "f"), new FunctionCallContent(second, "f")]),
            new(ChatRole.Tool, [new FunctionResultContent(answered, "1")]),
        ];

        Assert.Equal(Key(Turn("a", "b", "a")), Key(Turn("x", "y", "x")));
        Assert.NotEqual(Key(Turn("a", "b", "a")), Key(Turn("a", "b", "b")));
        Assert.NotEqual(Key(Turn("a", "b", "a")), Key(Turn("a", "a", "a")));
    }

    [Fact]
    public void Many_call_ids_stay_apart()
    {
        static ChatMessage[] Calls(string prefix, int answered) =>
        [
            new(ChatRole.Assistant, [.. Enumerable.Range(0, 100).Select(i => (AIContent)new FunctionCallContent(prefix + i, "f"))]),
            new(ChatRole.Tool, [new FunctionResultContent(prefix + answered, "1")]),
        ];

        Assert.Equal(Key(Calls("a", 70)), Key(Calls("b", 70)));
        Assert.NotEqual(Key(Calls("a", 70)), Key(Calls("a", 71)));
        Assert.NotEqual(Key(Calls("a", 5)), Key(Calls("a", 71)));
    }

    [Fact]
    public void Usage_in_the_history_does_not_matter() =>
        Assert.Equal(Key(new TextContent("Q")), Key(new TextContent("Q"), new UsageContent(new UsageDetails { InputTokenCount = 1 })));

    public static TheoryData<string, ChatOptions> Unkeyable() => new()
    {
        { "RawRepresentationFactory", new ChatOptions { RawRepresentationFactory = _ => new object() } },
        { "ConversationId", new ChatOptions { ConversationId = "resp_1" } },
        { "AllowBackgroundResponses", new ChatOptions { AllowBackgroundResponses = true } },
#pragma warning disable MEAI001
        { "ContinuationToken", new ChatOptions { ContinuationToken = ResponseContinuationToken.FromBytes(new byte[] { 1 }) } },
#pragma warning restore MEAI001
        { "OddTool", new ChatOptions { Tools = [new OddTool()] } },
        { "OddSearchTool", new ChatOptions { Tools = [new OddSearchTool()] } },
        { "Object", new ChatOptions { AdditionalProperties = new() { ["x"] = new object() } } },
        { "ThrowingTool", new ChatOptions { Tools = [new ThrowingTool()] } },
    };

    [Theory]
    [MemberData(nameof(Unkeyable))]
    public void What_cannot_be_keyed_bypasses_the_cache_and_says_why(string what, ChatOptions options)
    {
        Assert.False(QuestionKeys.TryKey(CacheFixture.Ask("Q"), options, CacheFixture.Endpoint, null, null, null, "m", true, out _, out var whyNot));
        Assert.NotNull(whyNot);
        if (what != "ThrowingTool")
            Assert.Contains(what, whyNot, StringComparison.Ordinal);

        // A refusal leaves nothing behind in the buffers of this thread.
        Assert.Equal(Key((ChatOptions?)null), Key(new ChatOptions()));
    }

    [Fact]
    public void Unknown_content_and_media_behind_an_address_bypass_the_cache()
    {
        Assert.Null(TryKey([new(ChatRole.User, [new OddContent()])]));
        Assert.Null(TryKey([new(ChatRole.User, [new AIContent { RawRepresentation = "raw" }])]));
        Assert.Null(TryKey([new(ChatRole.User, [new UriContent("https://example.org/x.png", "image/png")])]));
        Assert.Null(TryKey([new(ChatRole.User, [new HostedFileContent("file_1")])]));
        Assert.Null(TryKey([new(ChatRole.Tool, [new FunctionResultContent("1", (Action)(() => { }))])]));
        Assert.NotNull(TryKey([new(ChatRole.User, [new UriContent("https://example.org/x.png", "image/png")])], uris: true));
    }

    [Fact]
    public void Who_is_asked_and_for_whom_is_part_of_the_key()
    {
        var question = CacheFixture.Ask("Q");
        CacheKey?[] keys =
        [
            TryKey(question),
            TryKey(question, ns: "a"),
            TryKey(question, callNs: "a"),
            TryKey(question, tenant: "a"),
            TryKey(question, tenant: "b"),
            TryKey(question, ns: "a", tenant: "b"),
            TryKey(question, ns: "ab"),
            TryKey(question, endpoint: CacheFixture.Endpoint with { Provider = "azure" }),
            TryKey(question, endpoint: CacheFixture.Endpoint with { Uri = new Uri("https://proxy.evil.example/v1") }),
            TryKey(question, endpoint: CacheFixture.Endpoint with { DefaultModel = "gpt-4o" }),
        ];

        Assert.DoesNotContain(null, keys);
        Assert.Equal(keys.Length, keys.Distinct().Count());
        Assert.Equal(TryKey(question), TryKey(question, new ChatOptions { ModelId = "gpt-4o-mini" }));
    }

    [Fact]
    public void A_subclass_of_the_options_counts_as_the_options_it_is()
    {
        Assert.Equal(Key(new ChatOptions { Temperature = 0.5f }), Key(new KernelLikeOptions { Temperature = 0.5f }));
    }

    [Fact]
    public void Every_kind_of_content_counts_with_everything_it_says()
    {
        CacheKey[] keys =
        [
            Key(new TextContent("a")),
            Key(new TextContent("")),
            Key(),
            Key(new TextContent("a"), new TextContent("b")),
            Key(new TextContent("ab")),
            Key(new TextReasoningContent("a")),
            Key(new TextReasoningContent("a") { ProtectedData = "p" }),
            Key(new DataContent(new byte[] { 1, 2 }, "image/png")),
            Key(new DataContent(new byte[] { 1, 3 }, "image/png")),
            Key(new DataContent(new byte[] { 1, 2 }, "image/gif")),
            Key(new DataContent(new byte[] { 1, 2 }, "image/png") { Name = "n" }),
            Key(new UriContent("https://a.example/", "image/png")),
            Key(new HostedFileContent("a")),
            Key(new HostedVectorStoreContent("a")),
            Key(new ErrorContent("a")),
            Key(new ErrorContent("a") { ErrorCode = "c" }),
            Key(new FunctionCallContent("1", "f")),
            Key(new FunctionCallContent("1", "g")),
            Key(new FunctionCallContent("1", "f", new Dictionary<string, object?> { ["a"] = 1 })),
            Key(new FunctionCallContent("1", "f", new Dictionary<string, object?> { ["a"] = 1L })),
            Key(new FunctionCallContent("1", "f", new Dictionary<string, object?> { ["a"] = "1" })),
            Key(new FunctionCallContent("1", "f") { InformationalOnly = true }),
            Key(new FunctionResultContent("1", "r")),
            Key(new FunctionResultContent("1", 5)),
            Key(new FunctionResultContent("1", Json("5.0"))),
            Key(new FunctionResultContent("1", Json("\"r\""))),
            Key(new FunctionResultContent("1", null)),
            Key(new McpServerToolCallContent("1", "t", "s")),
            Key(new McpServerToolResultContent("1") { Outputs = [new TextContent("o")] }),
            Key(new McpServerToolResultContent("1")),
            Key(new CodeInterpreterToolCallContent("1") { Inputs = [new TextContent("1+1")] }),
            Key(new CodeInterpreterToolResultContent("1") { Outputs = [new TextContent("2")] }),
            Key(new ImageGenerationToolCallContent("1")),
            Key(new ImageGenerationToolResultContent("1")),
            Key(new WebSearchToolCallContent("1") { Queries = ["q"] }),
            Key(new WebSearchToolResultContent("1")),
            Key(new ToolApprovalRequestContent("1", new FunctionCallContent("1", "f"))),
            Key(new ToolApprovalResponseContent("1", true, new FunctionCallContent("1", "f"))),
            Key(new ToolApprovalResponseContent("1", false, new FunctionCallContent("1", "f"))),
            Key(new TextContent("a") { Annotations = [new CitationAnnotation { Title = "t" }] }),
            Key(new TextContent("a") { AdditionalProperties = new() { ["x"] = 1 } }),
        ];

        Assert.Equal(keys.Length, keys.Distinct().Count());
    }

    [Fact]
    public void Surrogates_that_stand_alone_are_told_apart()
    {
        string[] texts = ["\ud800", "\ud801", "\udc00", "\ufffd", "\ud800\ud800", "\ud83d\ude00", "\ud83d", "\ude00", "\ude00\ud83d", "a\ud800", "\ud800a"];

        Assert.Equal(texts.Length, texts.Select(t => Key(new TextContent(t))).Distinct().Count());
    }

    [Fact]
    public void A_text_longer_than_the_buffer_counts_to_its_last_character()
    {
        foreach (var filler in (string[])["a", "ä", "漢", "😀", "\ud800"])
        {
            var text = string.Concat(Enumerable.Repeat(filler, 40_001));
            Assert.Equal(Key(new TextContent(text)), Key(new TextContent(string.Concat(Enumerable.Repeat(filler, 40_001)))));
            Assert.NotEqual(Key(new TextContent(text + "x")), Key(new TextContent(text + "y")));
        }
    }

    [Fact]
    public void Values_count_by_meaning_but_never_change_their_type()
    {
        static CacheKey Of(object? value) => Key(new ChatOptions { AdditionalProperties = new() { ["x"] = value } });

        Assert.Equal(Of(Json("""{"a":1,"b":[true]}""")), Of(Json("""{ "b": [ true ], "a": 1 }""")));
        Assert.Equal(Of(Json("""{"a":1}""")), Of(JsonNode.Parse("""{"a":1}""")));
        Assert.Equal(Of(new List<string> { "a" }), Of(new[] { "a" }));
        Assert.Equal(Of(new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" }), Of(new Dictionary<string, object?> { ["b"] = "2", ["a"] = "1" }));
        object?[] different =
        [
            null, "1", 1, 1L, 1.0, 1f, 1m, true, Json("1"), Json("1.0"), Json("\"1\""), DayOfWeek.Monday, Guid.Empty, DateTimeOffset.UnixEpoch,
            DateTimeOffset.UnixEpoch.UtcDateTime, new byte[] { 1 }, new[] { 1 }, new[] { "1" }, new Dictionary<string, object?> { ["1"] = 1 },
            TimeSpan.FromSeconds(1), 0.0, -0.0, new Uri("https://a.example"), 'a', "a", ConsoleColor.DarkBlue, Json("null"), Json("[]"), Json("{}"),
        ];
        Assert.Equal(different.Length, different.Select(Of).Distinct().Count());
    }

    [Fact]
    public void Values_nested_without_end_are_refused_and_do_not_overflow()
    {
        var loop = new List<object?>();
        loop.Add(loop);

        Assert.Null(TryKey(CacheFixture.Ask("Q"), new ChatOptions { AdditionalProperties = new() { ["x"] = loop } }));
    }

    [Fact]
    public void Results_of_functions_that_contain_themselves_are_refused_and_do_not_overflow()
    {
        var loop = new FunctionResultContent("1", null);
        loop.Result = loop;

        Assert.Null(TryKey([new(ChatRole.Tool, [loop])]));
    }

    [Fact]
    public void A_function_result_of_any_class_counts_as_the_json_that_is_sent()
    {
        Assert.Equal(Key(new FunctionResultContent("1", new Weather("Rome", 20))), Key(new FunctionResultContent("1", new Weather("Rome", 20))));
        Assert.NotEqual(Key(new FunctionResultContent("1", new Weather("Rome", 20))), Key(new FunctionResultContent("1", new Weather("Rome", 21))));
    }

    [Fact]
    public void Embedding_keys_hold_text_model_and_dimensions()
    {
        static CacheKey Of(string text, EmbeddingGenerationOptions? options = null, string? tenant = null)
        {
            Assert.True(QuestionKeys.TryKey(text, options, CacheFixture.Endpoint, null, null, tenant, options?.ModelId ?? "e", out var key, out _));
            return key;
        }

        CacheKey[] keys =
        [
            Of("a"), Of("b"), Of("a", new() { Dimensions = 256 }), Of("a", new() { ModelId = "f" }), Of("a", tenant: "t"),
            Of("a", new() { AdditionalProperties = new() { ["x"] = 1 } }), Key(CacheFixture.Ask("a")),
        ];
        Assert.Equal(keys.Length, keys.Distinct().Count());
        Assert.Equal(Of("a"), Of("a", new EmbeddingGenerationOptions()));
        Assert.False(QuestionKeys.TryKey("a", new EmbeddingGenerationOptions { RawRepresentationFactory = _ => new object() }, CacheFixture.Endpoint,
            null, null, null, "e", out _, out var whyNot));
        Assert.NotNull(whyNot);
    }

    private sealed record Weather(string City, int Degrees);

    private sealed class KernelLikeOptions : ChatOptions
    {
        public object Kernel { get; } = new();
    }

    private sealed class OddContent : AIContent;

    private sealed class OddTool : AITool;

    private sealed class OddSearchTool : HostedWebSearchTool;

    private sealed class ThrowingTool : AIFunctionDeclaration
    {
        public override JsonElement JsonSchema => throw new TimeoutException();
    }
}
