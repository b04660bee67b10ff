using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Keys that are on disks and in shared caches by now. When one of them changes, every stored answer is lost: raise the version of the
/// canonical form and say so in the changelog, or find the mistake.</summary>
public class GoldenKeyTests
{
    private static readonly JsonElement s_schema = JsonElement.Parse("""{"type":"object","properties":{"city":{"type":"string"}}}""");

    public static TheoryData<string, string> Golden() => new()
    {
        { "plain", "dac53ea6349dacd10424bc82bd6a9a98" },
        { "options", "01c6c930dee074eef9d21ab23b4ff172" },
        { "tools", "b0146cdcbf876450cb6d40f45130ab6d" },
        { "hosted tools", "86752d4fdaa6717338cff0b8c87377c5" },
        { "conversation", "62848379d71fd6a8afb71c36fc0389f9" },
        { "contents", "5598cd644f073c12892570416dca4319" },
        { "texts", "cd765eba7c9ba7f397e9fd9f3e7ba6db" },
        { "long", "b6cf33d55e50ef5ab65e9f2114d985ac" },
        { "values", "e17f4b3d13204a5dc41896b1ef1aca4d" },
        { "scope", "ecc298dfd11f003f5f02a256973e6a19" },
        { "embedding", "3512fe1790bd99cf1a02955127826c7c" },
    };

    [Theory]
    [MemberData(nameof(Golden))]
    public void Keys_that_were_given_out_stay(string question, string firstHalf) => Assert.Equal(firstHalf, Key(question)[..32]);

    private static string Key(string question)
    {
        if (question == "embedding")
        {
            Assert.True(QuestionKeys.TryKey("a text", new EmbeddingGenerationOptions { Dimensions = 256 }, CacheFixture.Endpoint, "app", null, "acme",
                "text-embedding-3-small", out var embedding, out _));
            return embedding.ToString();
        }

        var scoped = question == "scope";
        var (messages, options) = Question(question);
        Assert.True(QuestionKeys.TryKey(messages, options, CacheFixture.Endpoint, scoped ? "app" : null, scoped ? "call" : null, scoped ? "acme" : null,
            options?.ModelId ?? "gpt-4o-mini", true, out var key, out var whyNot), whyNot);
        return key.ToString();
    }

    private static (List<ChatMessage> Messages, ChatOptions? Options) Question(string name) => name switch
    {
        "plain" or "scope" => (CacheFixture.Ask("What is the capital of France?"), null),
        "options" => (CacheFixture.Ask("Q"), new ChatOptions
        {
            Instructions = "Be brief.",
            ModelId = "gpt-4o",
            Temperature = 0.2f,
            MaxOutputTokens = 100,
            TopP = 0.9f,
            TopK = 40,
            FrequencyPenalty = 0.1f,
            PresencePenalty = -0.1f,
            Seed = 42,
            Reasoning = new ReasoningOptions { Effort = ReasoningEffort.Low, Output = ReasoningOutput.Summary },
            ResponseFormat = ChatResponseFormat.ForJsonSchema(s_schema, "answer", "An answer"),
            StopSequences = ["stop", "STOP"],
            AllowMultipleToolCalls = false,
            ToolMode = ChatToolMode.RequireSpecific("weather"),
            AdditionalProperties = new() { ["b"] = 1, ["a"] = "x" },
        }),
        "tools" => (CacheFixture.Ask("Q"), new ChatOptions
        {
            ToolMode = ChatToolMode.Auto,
            Tools =
            [
                AIFunctionFactory.CreateDeclaration("weather", "Tells the weather", s_schema, s_schema),
                new ApprovalRequiredAIFunction(AIFunctionFactory.Create((string city) => city, "approve", "Approves")),
            ],
        }),
#pragma warning disable MEAI001
        "hosted tools" => (CacheFixture.Ask("Q"), new ChatOptions
        {
            Tools =
            [
                new HostedWebSearchTool(), new HostedCodeInterpreterTool { Inputs = [new HostedFileContent("f")] },
                new HostedFileSearchTool { MaximumResultCount = 3, Inputs = [new HostedVectorStoreContent("v")] },
                new HostedImageGenerationTool { Options = new() { Count = 1, ImageSize = new(2, 3), MediaType = "image/png", ModelId = "i" } },
                new HostedMcpServerTool("s", "https://a.example")
                {
                    ServerDescription = "d",
                    AllowedTools = ["t"],
                    Headers = new Dictionary<string, string> { ["A"] = "1" },
                    ApprovalMode = HostedMcpServerToolApprovalMode.RequireSpecific(["a"], ["b"]),
                },
                new HostedToolSearchTool { DeferredTools = ["a"], Namespace = "n", NamespaceDescription = "d" },
            ],
        }),
#pragma warning restore MEAI001
        "conversation" =>
        ([
            new(ChatRole.System, "You know the weather."),
            new(ChatRole.User, "And in Zürich?") { AuthorName = "alice", AdditionalProperties = new() { ["p"] = true } },
            new(ChatRole.Assistant, [new TextReasoningContent("Look.") { ProtectedData = "p" }, new FunctionCallContent("c1", "weather", new Dictionary<string, object?> { ["city"] = "Zürich" })]),
            new(ChatRole.Tool, [new FunctionResultContent("c1", JsonElement.Parse("""{"degrees":20,"sky":"clear"}"""))]),
        ], null),
        "contents" =>
        ([
            new(ChatRole.User,
            [
                new TextContent("a") { Annotations = [new CitationAnnotation { Title = "t", AnnotatedRegions = [new TextSpanAnnotatedRegion { StartIndex = 1, EndIndex = 2 }] }] },
                new DataContent(new byte[] { 1, 2 }, "image/png") { Name = "n" }, new UriContent("https://a.example/", "image/png"),
                new HostedFileContent("f"), new ErrorContent("e") { ErrorCode = "c" }, new McpServerToolCallContent("1", "t", "s"),
                new McpServerToolResultContent("1") { Outputs = [new TextContent("o")] }, new WebSearchToolCallContent("2") { Queries = ["q"] },
                new CodeInterpreterToolCallContent("3") { Inputs = [new TextContent("1+1")] }, new ToolApprovalRequestContent("4", new FunctionCallContent("5", "f")),
            ]),
        ], null),
        "texts" => (CacheFixture.Ask("a\0b\r\n\ud800 é e\u0301 漢字 😀 \udc00\ud800"), null),
        "long" => (CacheFixture.Ask(string.Concat(Enumerable.Repeat("aä漢😀\ud800 ", 20_000))), null),
        _ => (CacheFixture.Ask("Q"), new ChatOptions
        {
            AdditionalProperties = new()
            {
                ["null"] = null,
                ["text"] = "t",
                ["flag"] = true,
                ["enum"] = DayOfWeek.Monday,
                ["double"] = -0.0,
                ["float"] = 1f,
                ["decimal"] = 1.0m,
                ["int"] = 1,
                ["long"] = 1L,
                ["char"] = 'c',
                ["guid"] = Guid.Empty,
                ["time"] = DateTimeOffset.UnixEpoch,
                ["span"] = TimeSpan.FromSeconds(1),
                ["bytes"] = new byte[] { 1 },
                ["uri"] = new Uri("https://a.example"),
                ["json"] = JsonElement.Parse("""{"b":[1.0,"\u00e9",null],"a":{}}"""),
                ["list"] = new List<object?> { 1, "a" },
                ["map"] = new Dictionary<string, object?> { ["b"] = 1, ["a"] = 2 },
            },
        }),
    };
}
