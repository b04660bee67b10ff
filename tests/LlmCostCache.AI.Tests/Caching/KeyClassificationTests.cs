using System.Collections;
using System.Reflection;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Fails when Microsoft.Extensions.AI gains a member or a type that nobody has put into the key or on the list of exclusions.</summary>
public class KeyClassificationTests
{
    private static readonly HashSet<string> s_covered =
    [
        "ChatOptions.Instructions", "ChatOptions.Temperature", "ChatOptions.MaxOutputTokens", "ChatOptions.TopP", "ChatOptions.TopK",
        "ChatOptions.FrequencyPenalty", "ChatOptions.PresencePenalty", "ChatOptions.Seed", "ChatOptions.Reasoning", "ChatOptions.ResponseFormat",
        "ChatOptions.ModelId", "ChatOptions.StopSequences", "ChatOptions.AllowMultipleToolCalls", "ChatOptions.ToolMode", "ChatOptions.Tools",
        "ChatOptions.AdditionalProperties",
        "ReasoningOptions.Effort", "ReasoningOptions.Output",
        "ChatResponseFormatJson.Schema", "ChatResponseFormatJson.SchemaName", "ChatResponseFormatJson.SchemaDescription",
        "RequiredChatToolMode.RequiredFunctionName",
        "ChatMessage.Role", "ChatMessage.AuthorName", "ChatMessage.Contents", "ChatMessage.AdditionalProperties",
        "AIContent.Annotations", "AIContent.AdditionalProperties",
        "AIAnnotation.AnnotatedRegions", "AIAnnotation.AdditionalProperties",
        "CitationAnnotation.Title", "CitationAnnotation.Url", "CitationAnnotation.FileId", "CitationAnnotation.ToolName", "CitationAnnotation.Snippet",
        "TextSpanAnnotatedRegion.StartIndex", "TextSpanAnnotatedRegion.EndIndex",
        "TextContent.Text", "TextReasoningContent.Text", "TextReasoningContent.ProtectedData",
        "DataContent.MediaType", "DataContent.Name", "DataContent.Data",
        "UriContent.Uri", "UriContent.MediaType",
        "HostedFileContent.FileId", "HostedFileContent.MediaType", "HostedFileContent.Name", "HostedFileContent.Purpose", "HostedFileContent.Scope",
        "HostedVectorStoreContent.VectorStoreId",
        "ErrorContent.Message", "ErrorContent.ErrorCode", "ErrorContent.Details",
        "ToolCallContent.CallId", "ToolResultContent.CallId", "InputRequestContent.RequestId", "InputResponseContent.RequestId",
        "FunctionCallContent.Name", "FunctionCallContent.Arguments", "FunctionCallContent.InformationalOnly",
        "FunctionResultContent.Result",
        "McpServerToolCallContent.Name", "McpServerToolCallContent.ServerName", "McpServerToolCallContent.Arguments",
        "McpServerToolResultContent.Outputs",
        "CodeInterpreterToolCallContent.Inputs", "CodeInterpreterToolResultContent.Outputs",
        "ImageGenerationToolResultContent.Outputs",
        "WebSearchToolCallContent.Queries", "WebSearchToolResultContent.Outputs",
        "ToolApprovalRequestContent.ToolCall", "ToolApprovalRequestContent.RequiresConfirmation",
        "ToolApprovalResponseContent.Approved", "ToolApprovalResponseContent.ToolCall", "ToolApprovalResponseContent.Reason",
        "AITool.Name", "AITool.Description", "AITool.AdditionalProperties",
        "AIFunctionDeclaration.JsonSchema", "AIFunctionDeclaration.ReturnJsonSchema",
        "HostedCodeInterpreterTool.Inputs", "HostedFileSearchTool.Inputs", "HostedFileSearchTool.MaximumResultCount",
        "HostedImageGenerationTool.Options",
        "HostedMcpServerTool.ServerName", "HostedMcpServerTool.ServerAddress", "HostedMcpServerTool.ServerDescription",
        "HostedMcpServerTool.AllowedTools", "HostedMcpServerTool.ApprovalMode", "HostedMcpServerTool.Headers",
        "HostedMcpServerToolRequireSpecificApprovalMode.AlwaysRequireApprovalToolNames",
        "HostedMcpServerToolRequireSpecificApprovalMode.NeverRequireApprovalToolNames",
        "HostedToolSearchTool.DeferredTools", "HostedToolSearchTool.Namespace", "HostedToolSearchTool.NamespaceDescription",
        "ImageGenerationOptions.Count", "ImageGenerationOptions.ImageSize", "ImageGenerationOptions.MediaType", "ImageGenerationOptions.ModelId",
        "ImageGenerationOptions.ResponseFormat", "ImageGenerationOptions.StreamingCount", "ImageGenerationOptions.AdditionalProperties",
        "EmbeddingGenerationOptions.Dimensions", "EmbeddingGenerationOptions.ModelId", "EmbeddingGenerationOptions.AdditionalProperties",
    ];

    /// <summary>Types that the canonicalizer names; every other one in the assembly must be abstract or unreachable.</summary>
    private static readonly HashSet<string> s_knownTypes =
    [
        "AIContent", "TextContent", "TextReasoningContent", "DataContent", "UriContent", "HostedFileContent", "HostedVectorStoreContent", "ErrorContent",
        "ToolCallContent", "ToolResultContent", "FunctionCallContent", "FunctionResultContent", "McpServerToolCallContent", "McpServerToolResultContent",
        "CodeInterpreterToolCallContent", "CodeInterpreterToolResultContent", "ImageGenerationToolCallContent", "ImageGenerationToolResultContent",
        "WebSearchToolCallContent", "WebSearchToolResultContent", "ToolApprovalRequestContent", "ToolApprovalResponseContent", "UsageContent",
        "InputRequestContent", "InputResponseContent",
        "AITool", "AIFunctionDeclaration", "AIFunction", "DelegatingAIFunction", "ApprovalRequiredAIFunction", "HostedWebSearchTool",
        "HostedCodeInterpreterTool", "HostedFileSearchTool", "HostedImageGenerationTool", "HostedMcpServerTool", "HostedToolSearchTool",
        "ChatToolMode", "AutoChatToolMode", "NoneChatToolMode", "RequiredChatToolMode",
        "ChatResponseFormat", "ChatResponseFormatText", "ChatResponseFormatJson",
        "AIAnnotation", "CitationAnnotation", "AnnotatedRegion", "TextSpanAnnotatedRegion",
        "HostedMcpServerToolApprovalMode", "HostedMcpServerToolAlwaysRequireApprovalMode", "HostedMcpServerToolNeverRequireApprovalMode",
        "HostedMcpServerToolRequireSpecificApprovalMode",
        "ChatOptions", "ChatMessage", "ReasoningOptions", "ImageGenerationOptions", "EmbeddingGenerationOptions",
    ];

    private static readonly Type[] s_roots =
    [
        typeof(AIContent), typeof(AITool), typeof(ChatToolMode), typeof(ChatResponseFormat), typeof(AIAnnotation), typeof(AnnotatedRegion),
        typeof(HostedMcpServerToolApprovalMode), typeof(ChatOptions), typeof(ChatMessage), typeof(ReasoningOptions), typeof(ImageGenerationOptions),
        typeof(EmbeddingGenerationOptions),
    ];

    private static IEnumerable<Type> Types() =>
        from type in typeof(ChatOptions).Assembly.GetExportedTypes()
        where s_roots.Any(root => root.IsAssignableFrom(type))
        select type;

    [Fact]
    public void Every_type_that_a_request_can_carry_is_known()
    {
        Assert.Empty(Types().Select(t => t.Name).Except(s_knownTypes));
        Assert.Empty(s_knownTypes.Except(Types().Select(t => t.Name)));
    }

    [Fact]
    public void Every_member_is_in_the_key_or_excluded_with_a_reason()
    {
        var members = Types()
            .SelectMany(type => type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
                .Where(p => p.GetMethod is { } get && get.GetBaseDefinition() == get)
                .Select(p => $"{type.Name}.{p.Name}"))
            .ToHashSet();

        Assert.Empty(members.Except(s_covered).Except(KeyExclusions.Members.Keys));
        Assert.Empty(s_covered.Except(members));
        Assert.Empty(KeyExclusions.Members.Keys.Except(members));
        Assert.Empty(KeyExclusions.Members.Keys.Intersect(s_covered));
        Assert.All(KeyExclusions.Members.Values, reason => Assert.False(string.IsNullOrWhiteSpace(reason)));
    }

    public static TheoryData<string> OptionsInTheKey() =>
        [.. s_covered.Where(m => m.StartsWith("ChatOptions.", StringComparison.Ordinal)).Select(m => m["ChatOptions.".Length..])];

    [Theory]
    [MemberData(nameof(OptionsInTheKey))]
    public void Each_option_that_changes_makes_another_key(string name)
    {
        var property = typeof(ChatOptions).GetProperty(name)!;
        var seen = new HashSet<CacheKey> { Key(new ChatOptions()) };
        foreach (var value in Values(property.PropertyType))
        {
            var options = new ChatOptions();
            property.SetValue(options, value);
            Assert.True(seen.Add(Key(options)), $"{name} = {value}");
        }

        Assert.True(seen.Count > 2);
    }

    private static CacheKey Key(ChatOptions options)
    {
        Assert.True(QuestionKeys.TryKey(CacheFixture.Ask("Q"), options, CacheFixture.Endpoint, null, null, null, options.ModelId ?? "default", false,
            out var key, out var whyNot), whyNot);
        return key;
    }

    private static IEnumerable Values(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string))
            return new[] { "a", "b" };

        if (type == typeof(float))
            return new[] { 0f, 0.5f };

        if (type == typeof(int))
            return new[] { 0, 5 };

        if (type == typeof(long))
            return new[] { 0L, 5L };

        if (type == typeof(bool))
            return new[] { false, true };

        if (type == typeof(ReasoningOptions))
        {
            return new[]
            {
                new ReasoningOptions { Effort = ReasoningEffort.None }, new ReasoningOptions { Effort = ReasoningEffort.High },
                new ReasoningOptions { Output = ReasoningOutput.None }, new ReasoningOptions { Output = ReasoningOutput.Full },
            };
        }

        if (type == typeof(ChatResponseFormat))
        {
            var schema = System.Text.Json.JsonElement.Parse("{}");
            return new ChatResponseFormat[]
            {
                ChatResponseFormat.Text, ChatResponseFormat.Json, ChatResponseFormat.ForJsonSchema(schema),
                ChatResponseFormat.ForJsonSchema(schema, "n"), ChatResponseFormat.ForJsonSchema(schema, null, "d"),
            };
        }

        if (type == typeof(IList<string>))
            return new[] { ["a"], ["b"], ["a", "b"], new List<string> { "ab" } };

        if (type == typeof(ChatToolMode))
        {
            return new ChatToolMode[]
            {
                ChatToolMode.Auto, ChatToolMode.None, ChatToolMode.RequireAny, ChatToolMode.RequireSpecific("a"), ChatToolMode.RequireSpecific("b"),
            };
        }

        if (type == typeof(IList<AITool>))
        {
#pragma warning disable MEAI001
            AITool[] tools =
            [
                AIFunctionFactory.Create(() => 1, "f"), new ApprovalRequiredAIFunction(AIFunctionFactory.Create(() => 1, "f")),
                new HostedWebSearchTool(), new HostedCodeInterpreterTool(), new HostedCodeInterpreterTool { Inputs = [new TextContent("a")] },
                new HostedFileSearchTool(), new HostedFileSearchTool { MaximumResultCount = 5 },
                new HostedImageGenerationTool(), new HostedImageGenerationTool { Options = new() { Count = 2 } },
                new HostedImageGenerationTool { Options = new() { ImageSize = new(1, 2) } },
                new HostedImageGenerationTool { Options = new() { ImageSize = new(2, 1) } },
                new HostedMcpServerTool("s", "https://a.example"), new HostedMcpServerTool("s", "https://b.example"),
                new HostedMcpServerTool("s", "https://a.example") { AllowedTools = [] },
                new HostedMcpServerTool("s", "https://a.example") { AllowedTools = ["t"] },
                new HostedMcpServerTool("s", "https://a.example") { Headers = new Dictionary<string, string> { ["Authorization"] = "alice" } },
                new HostedMcpServerTool("s", "https://a.example") { Headers = new Dictionary<string, string> { ["Authorization"] = "bob" } },
                new HostedMcpServerTool("s", "https://a.example") { ApprovalMode = HostedMcpServerToolApprovalMode.AlwaysRequire },
                new HostedMcpServerTool("s", "https://a.example") { ApprovalMode = HostedMcpServerToolApprovalMode.RequireSpecific(["a"], null) },
                new HostedMcpServerTool("s", "https://a.example") { ApprovalMode = HostedMcpServerToolApprovalMode.RequireSpecific(null, ["a"]) },
                new HostedToolSearchTool(), new HostedToolSearchTool { DeferredTools = ["a"] }, new HostedToolSearchTool { Namespace = "n" },
            ];
#pragma warning restore MEAI001
            return tools.Select(t => new List<AITool> { t });
        }

        if (type == typeof(AdditionalPropertiesDictionary))
        {
            return new[]
            {
                new AdditionalPropertiesDictionary { ["a"] = 1 }, new AdditionalPropertiesDictionary { ["a"] = 2 },
                new AdditionalPropertiesDictionary { ["b"] = 1 }, new AdditionalPropertiesDictionary { ["a"] = null },
            };
        }

        throw new InvalidOperationException($"Say which values of {type} to try.");
    }
}
