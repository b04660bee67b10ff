using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Turns a question into its <see cref="CacheKey"/>: everything that can shape the answer, in one canonical form of
/// bytes.</summary>
/// <remarks>
/// What is left out is listed in <see cref="KeyExclusions"/>. What cannot be put into bytes faithfully makes the question unkeyable,
/// with a reason;
/// a needless miss costs a call, a wrong hit costs trust.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "One per thread, for the life of the thread.")]
internal sealed class RequestCanonicalizer
{
    // Raise it whenever the bytes of any question change: old rows then simply miss.
    private const byte Version = 1;

    private const byte Chat = 1;
    private const byte Embeddings = 2;
    private const int MaxDepth = 32;

    [ThreadStatic]
    private static RequestCanonicalizer? t_idle;

    private readonly CanonicalHasher _out = new();
    private readonly List<string> _ids = [];
    private Dictionary<string, int>? _manyIds;
    private bool _allowUriContent;
    private string? _refusal;

    public static bool TryKey(IEnumerable<ChatMessage> messages, ChatOptions? options, in CacheEndpoint endpoint, string? cacheNamespace,
        string? callNamespace, string? tenant, string? model, bool allowUriContent, out CacheKey key, out string? whyNot)
    {
        if (WhyNotKeyable(options) is { } refusal)
        {
            key = default;
            whyNot = refusal;
            return false;
        }

        var canonicalizer = Rent(allowUriContent);
        try
        {
            canonicalizer.Head(Chat, endpoint, cacheNamespace, callNamespace, tenant, model);
            canonicalizer.Messages(messages);
            if (options is not null)
                canonicalizer.Options(options);

            return canonicalizer.TryFinish(out key, out whyNot);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Tools, schemas and values are other people's code. A key that cannot be made is a bypass, never a failed call.
            canonicalizer._out.Reset();
            key = default;
            whyNot = $"the request cannot be read ({e.GetType().Name})";
            return false;
        }
        finally
        {
            canonicalizer.Return();
        }
    }

    public static bool TryKey(string text, EmbeddingGenerationOptions? options, in CacheEndpoint endpoint, string? cacheNamespace,
        string? callNamespace, string? tenant, string? model, out CacheKey key, out string? whyNot)
    {
        if (options?.RawRepresentationFactory is not null)
        {
            key = default;
            whyNot = "RawRepresentationFactory is set";
            return false;
        }

        var canonicalizer = Rent(allowUriContent: false);
        try
        {
            canonicalizer.Head(Embeddings, endpoint, cacheNamespace, callNamespace, tenant, model);
            canonicalizer._out.Optional(0x20, text);
            if (options?.Dimensions is { } dimensions)
                canonicalizer._out.Field(0x21, (long)dimensions);

            canonicalizer.Properties(0x22, options?.AdditionalProperties, 0);
            return canonicalizer.TryFinish(out key, out whyNot);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            canonicalizer._out.Reset();
            key = default;
            whyNot = $"the request cannot be read ({e.GetType().Name})";
            return false;
        }
        finally
        {
            canonicalizer.Return();
        }
    }

    private static string? WhyNotKeyable(ChatOptions? options) => options switch
    {
        null => null,
        { ConversationId: not null } => "ConversationId is set",
        { ContinuationToken: not null } => "ContinuationToken is set",
        { AllowBackgroundResponses: true } => "AllowBackgroundResponses is set",
        { RawRepresentationFactory: not null } => "RawRepresentationFactory is set",
        _ => null,
    };

    private static RequestCanonicalizer Rent(bool allowUriContent)
    {
        // Taken out while in use: a tool's schema may well run code that asks the cache.
        var canonicalizer = t_idle ?? new RequestCanonicalizer();
        t_idle = null;
        canonicalizer._allowUriContent = allowUriContent;
        return canonicalizer;
    }

    private void Return()
    {
        _ids.Clear();
        _manyIds = null;
        _refusal = null;
        t_idle = this;
    }

    private bool TryFinish(out CacheKey key, out string? whyNot)
    {
        key = _out.Finish();
        whyNot = _refusal;
        return whyNot is null;
    }

    private void Refuse(string reason) => _refusal ??= reason;

    private void Head(byte operation, in CacheEndpoint endpoint, string? cacheNamespace, string? callNamespace, string? tenant,
        string? model)
    {
        _out.Byte(Version);
        _out.Byte(operation);
        _out.Optional(0x01, string.IsNullOrEmpty(cacheNamespace) ? null : cacheNamespace);
        _out.Optional(0x02, callNamespace);
        _out.Optional(0x03, tenant);
        _out.Optional(0x04, endpoint.Provider);
        _out.Optional(0x05, endpoint.Uri is { } uri ? uri.IsAbsoluteUri ? uri.AbsoluteUri : uri.OriginalString : null);
        _out.Optional(0x06, string.IsNullOrEmpty(model) ? null : model);
    }

    private void Messages(IEnumerable<ChatMessage> messages)
    {
        if (messages is IList<ChatMessage> list)
        {
            for (var i = 0; i < list.Count; i++)
                Message(list[i]);
        }
        else
        {
            foreach (var message in messages)
                Message(message);
        }

        _out.Byte(CanonicalHasher.End);
    }

    private void Message(ChatMessage message)
    {
        if (message.GetType() != typeof(ChatMessage))
            Refuse($"a message is of the unknown type {message.GetType().Name}");

        _out.Field(0x10, message.Role.Value.AsSpan());
        _out.Optional(0x11, message.AuthorName);
        Properties(0x12, message.AdditionalProperties, 0);
        Contents(0x13, message.Contents, 0);
    }

    private void Contents(byte tag, IList<AIContent>? contents, int depth)
    {
        if (contents is null or { Count: 0 })
            return;

        if (depth > MaxDepth)
        {
            Refuse("content is nested too deeply");
            return;
        }

        _out.Byte(tag);
        for (var i = 0; i < contents.Count; i++)
            Content(contents[i], depth);

        _out.Byte(CanonicalHasher.End);
    }

    private void Content(AIContent content, int depth)
    {
        if (KeyExclusions.IsSkipped(content))
            return;

        switch (content)
        {
            case TextContent text:
                _out.Field(0x30, text.Text.AsSpan());
                break;
            case TextReasoningContent reasoning:
                _out.Field(0x31, reasoning.Text.AsSpan());
                _out.Optional(0x01, reasoning.ProtectedData);
                break;
            case DataContent data when data.GetType() == typeof(DataContent):
                _out.Field(0x32, data.Data.Span);
                _out.Field(0x01, data.MediaType.AsSpan());
                _out.Optional(0x02, data.Name);
                break;
            case UriContent uri when uri.GetType() == typeof(UriContent):
                RefuseUnlessUrisAreAllowed("media is named by its address, and what is there may change");
                _out.Field(0x33, (uri.Uri.IsAbsoluteUri ? uri.Uri.AbsoluteUri : uri.Uri.OriginalString).AsSpan());
                _out.Field(0x01, uri.MediaType.AsSpan());
                break;
            case HostedFileContent file:
                RefuseUnlessUrisAreAllowed("a hosted file is named by its id, and what is in it may change");
                _out.Field(0x34, file.FileId.AsSpan());
                _out.Optional(0x01, file.MediaType);
                _out.Optional(0x02, file.Name);
                HostedFileDetails(file);
                break;
            case HostedVectorStoreContent store:
                RefuseUnlessUrisAreAllowed("a vector store is named by its id, and what is in it may change");
                _out.Field(0x35, store.VectorStoreId.AsSpan());
                break;
            case ErrorContent error when error.GetType() == typeof(ErrorContent):
                _out.Field(0x36, error.Message.AsSpan());
                _out.Optional(0x01, error.ErrorCode);
                _out.Optional(0x02, error.Details);
                break;
            case FunctionCallContent call when call.GetType() == typeof(FunctionCallContent):
                _out.Byte(0x37);
                Id(call.CallId);
                _out.Field(0x01, call.Name.AsSpan());
                Properties(0x02, call.Arguments, depth + 1, ownToo: true);
                _out.Field(0x03, call.InformationalOnly);
                break;
            case FunctionResultContent result when result.GetType() == typeof(FunctionResultContent):
                _out.Byte(0x38);
                Id(result.CallId);
                FunctionResult(result.Result, depth + 1);
                break;
            case McpServerToolCallContent call:
                _out.Byte(0x39);
                Id(call.CallId);
                _out.Field(0x01, call.Name.AsSpan());
                _out.Optional(0x02, call.ServerName);
                Properties(0x03, call.Arguments, depth + 1, ownToo: true);
                break;
            case McpServerToolResultContent result:
                _out.Byte(0x3A);
                Id(result.CallId);
                Contents(0x01, result.Outputs, depth + 1);
                break;
            case CodeInterpreterToolCallContent call:
                _out.Byte(0x3B);
                Id(call.CallId);
                Contents(0x01, call.Inputs, depth + 1);
                break;
            case CodeInterpreterToolResultContent result:
                _out.Byte(0x3C);
                Id(result.CallId);
                Contents(0x01, result.Outputs, depth + 1);
                break;
            case ImageGenerationToolCallContent call:
                _out.Byte(0x3D);
                Id(call.CallId);
                break;
            case ImageGenerationToolResultContent result:
                _out.Byte(0x3E);
                Id(result.CallId);
                Contents(0x01, result.Outputs, depth + 1);
                break;
            case WebSearchToolCallContent call:
                _out.Byte(0x3F);
                Id(call.CallId);
                Strings(0x01, call.Queries);
                break;
            case WebSearchToolResultContent result:
                _out.Byte(0x40);
                Id(result.CallId);
                Contents(0x01, result.Outputs, depth + 1);
                break;
            case ToolApprovalRequestContent request:
                _out.Byte(0x41);
                Id(request.RequestId);
                Content(request.ToolCall, depth + 1);
                ApprovalDetails(request);
                break;
            case ToolApprovalResponseContent response:
                _out.Byte(0x42);
                Id(response.RequestId);
                _out.Field(0x01, response.Approved);
                _out.Optional(0x02, response.Reason);
                Content(response.ToolCall, depth + 1);
                break;
            case ToolCallContent call when call.GetType() == typeof(ToolCallContent):
                _out.Byte(0x43);
                Id(call.CallId);
                break;
            case ToolResultContent result when result.GetType() == typeof(ToolResultContent):
                _out.Byte(0x44);
                Id(result.CallId);
                break;
            case { RawRepresentation: null } when content.GetType() == typeof(AIContent):
                _out.Byte(0x45);
                break;
            default:
                Refuse($"content of the type {content?.GetType().Name ?? "null"} has no canonical form");
                return;
        }

        Annotations(content.Annotations);
        Properties(0x0E, content.AdditionalProperties, depth + 1);
        _out.Byte(CanonicalHasher.End);
    }

    private void RefuseUnlessUrisAreAllowed(string reason)
    {
        if (!_allowUriContent)
            Refuse(reason);
    }

#pragma warning disable MEAI001 // Experimental members shape the answer like the others.
    private void HostedFileDetails(HostedFileContent file)
    {
        _out.Optional(0x03, file.Purpose);
        _out.Optional(0x04, file.Scope);
    }

    private void ApprovalDetails(ToolApprovalRequestContent request) => _out.Field(0x01, request.RequiresConfirmation);
#pragma warning restore MEAI001

    /// <summary>Ids of calls count by the order in which they first appear: providers make them up anew each time.</summary>
    private void Id(string? id)
    {
        id ??= "";
        int index;
        if (_manyIds is not null)
        {
            if (!_manyIds.TryGetValue(id, out index))
                _manyIds.Add(id, index = _manyIds.Count);
        }
        else
        {
            index = _ids.IndexOf(id);
            if (index < 0)
            {
                index = _ids.Count;
                _ids.Add(id);
                if (_ids.Count > 32)
                {
                    _manyIds = new Dictionary<string, int>(StringComparer.Ordinal);
                    for (var i = 0; i < _ids.Count; i++)
                        _manyIds.Add(_ids[i], i);
                }
            }
        }

        _out.Field(0x0F, (long)index);
    }

    private void Annotations(IList<AIAnnotation>? annotations)
    {
        if (annotations is null or { Count: 0 })
            return;

        _out.Byte(0x0D);
        for (var i = 0; i < annotations.Count; i++)
        {
            var annotation = annotations[i];
            if (annotation is CitationAnnotation citation && citation.GetType() == typeof(CitationAnnotation))
            {
                _out.Byte(0x01);
                _out.Optional(0x02, citation.Title);
                _out.Optional(0x03, citation.Url?.OriginalString);
                _out.Optional(0x04, citation.FileId);
                _out.Optional(0x05, citation.ToolName);
                _out.Optional(0x06, citation.Snippet);
            }
            else if (annotation?.GetType() == typeof(AIAnnotation))
            {
                _out.Byte(0x07);
            }
            else
            {
                Refuse($"an annotation of the type {annotation?.GetType().Name ?? "null"} has no canonical form");
                return;
            }

            Regions(annotation.AnnotatedRegions);
            Properties(0x09, annotation.AdditionalProperties, 1);
            _out.Byte(CanonicalHasher.End);
        }

        _out.Byte(CanonicalHasher.End);
    }

    private void Regions(IList<AnnotatedRegion>? regions)
    {
        if (regions is null)
            return;

        for (var i = 0; i < regions.Count; i++)
        {
            if (regions[i] is TextSpanAnnotatedRegion span)
            {
                _out.Byte(0x08);
                Optional(0x01, span.StartIndex);
                Optional(0x02, span.EndIndex);
                _out.Byte(CanonicalHasher.End);
            }
            else
            {
                Refuse($"a region of the type {regions[i]?.GetType().Name ?? "null"} has no canonical form");
            }
        }
    }

    // Only the members of ChatOptions itself: a subclass (Semantic Kernel has one) carries things for its own client, not for the provider.
    private void Options(ChatOptions options)
    {
        _out.Optional(0x50, options.Instructions);
        Optional(0x51, options.Temperature);
        Optional(0x52, options.MaxOutputTokens);
        Optional(0x53, options.TopP);
        Optional(0x54, options.TopK);
        Optional(0x55, options.FrequencyPenalty);
        Optional(0x56, options.PresencePenalty);
        Optional(0x57, options.Seed);
        if (options.Reasoning is { } reasoning)
        {
            Optional(0x58, (int?)reasoning.Effort);
            Optional(0x59, (int?)reasoning.Output);
        }

        ResponseFormat(options.ResponseFormat);
        Strings(0x5E, options.StopSequences);
        if (options.AllowMultipleToolCalls is { } many)
            _out.Field(0x5F, many);

        ToolMode(options.ToolMode);
        if (options.Tools is { Count: > 0 } tools)
        {
            _out.Byte(0x64);
            for (var i = 0; i < tools.Count; i++)
                Tool(tools[i]);

            _out.Byte(CanonicalHasher.End);
        }

        Properties(0x65, options.AdditionalProperties, 0);
    }

    private void ResponseFormat(ChatResponseFormat? format)
    {
        switch (format)
        {
            case null:
                break;
            case ChatResponseFormatText:
                _out.Byte(0x5A);
                break;
            case ChatResponseFormatJson json:
                _out.Byte(0x5B);
                _out.Optional(0x01, json.SchemaName);
                _out.Optional(0x02, json.SchemaDescription);
                if (json.Schema is { } schema)
                    Schema(0x03, schema);

                _out.Byte(CanonicalHasher.End);
                break;
            default:
                Refuse($"a response format of the type {format.GetType().Name} has no canonical form");
                break;
        }
    }

    private void ToolMode(ChatToolMode? mode)
    {
        switch (mode)
        {
            case null:
                break;
            case AutoChatToolMode:
                _out.Byte(0x60);
                break;
            case NoneChatToolMode:
                _out.Byte(0x61);
                break;
            case RequiredChatToolMode { RequiredFunctionName: null }:
                _out.Byte(0x62);
                break;
            case RequiredChatToolMode required:
                _out.Field(0x63, required.RequiredFunctionName.AsSpan());
                break;
            default:
                Refuse($"a tool mode of the type {mode.GetType().Name} has no canonical form");
                break;
        }
    }

    private void Tool(AITool tool)
    {
        switch (tool)
        {
            case AIFunctionDeclaration function:
                _out.Byte(0x01);
                Schema(0x02, function.JsonSchema);
                if (function.ReturnJsonSchema is { } returned)
                    Schema(0x03, returned);

                if (function is ApprovalRequiredAIFunction)
                    _out.Byte(0x04);

                break;
            case HostedWebSearchTool when tool.GetType() == typeof(HostedWebSearchTool):
                _out.Byte(0x05);
                break;
            case HostedCodeInterpreterTool interpreter when tool.GetType() == typeof(HostedCodeInterpreterTool):
                _out.Byte(0x06);
                Contents(0x13, interpreter.Inputs, 1);
                break;
            case HostedFileSearchTool search when tool.GetType() == typeof(HostedFileSearchTool):
                _out.Byte(0x07);
                Optional(0x02, search.MaximumResultCount);
                Contents(0x13, search.Inputs, 1);
                break;
            case HostedImageGenerationTool image when tool.GetType() == typeof(HostedImageGenerationTool):
                _out.Byte(0x08);
                ImageOptions(image.Options);
                break;
            case HostedMcpServerTool mcp when tool.GetType() == typeof(HostedMcpServerTool):
                _out.Byte(0x09);
                _out.Field(0x02, mcp.ServerName.AsSpan());
                _out.Field(0x03, mcp.ServerAddress.AsSpan());
                _out.Optional(0x04, mcp.ServerDescription);
                OptionalStrings(0x05, mcp.AllowedTools);
                ApprovalMode(mcp.ApprovalMode);
                if (mcp.Headers is { Count: > 0 } headers)
                    Properties(0x0B, headers.Select(h => KeyValuePair.Create(h.Key, (object?)h.Value)), 1, ownToo: true);

                break;
            default:
                if (!TryExperimentalTool(tool))
                {
                    Refuse($"a tool of the type {tool?.GetType().Name ?? "null"} has no canonical form");
                    return;
                }

                break;
        }

        _out.Field(0x0C, tool.Name.AsSpan());
        _out.Field(0x0D, tool.Description.AsSpan());
        Properties(0x0E, tool.AdditionalProperties, 1);
        _out.Byte(CanonicalHasher.End);
    }

#pragma warning disable MEAI001 // Experimental tools shape the answer like the others.
    private bool TryExperimentalTool(AITool? tool)
    {
        if (tool is not HostedToolSearchTool search || tool.GetType() != typeof(HostedToolSearchTool))
            return false;

        _out.Byte(0x0A);
        OptionalStrings(0x02, search.DeferredTools);
        _out.Optional(0x03, search.Namespace);
        _out.Optional(0x04, search.NamespaceDescription);
        return true;
    }

    private void ImageOptions(ImageGenerationOptions? options)
    {
        if (options is null)
            return;

        if (options.RawRepresentationFactory is not null)
            Refuse("RawRepresentationFactory is set on an image tool");

        Optional(0x02, options.Count);
        if (options.ImageSize is { } size)
        {
            _out.Field(0x03, (long)size.Width);
            _out.Field(0x04, (long)size.Height);
        }

        _out.Optional(0x05, options.MediaType);
        _out.Optional(0x06, options.ModelId);
        Optional(0x07, (int?)options.ResponseFormat);
        Optional(0x08, options.StreamingCount);
        Properties(0x09, options.AdditionalProperties, 1);
    }
#pragma warning restore MEAI001

    private void ApprovalMode(HostedMcpServerToolApprovalMode? mode)
    {
        switch (mode)
        {
            case null:
                break;
            case HostedMcpServerToolAlwaysRequireApprovalMode:
                _out.Byte(0x06);
                break;
            case HostedMcpServerToolNeverRequireApprovalMode:
                _out.Byte(0x07);
                break;
            case HostedMcpServerToolRequireSpecificApprovalMode specific:
                _out.Byte(0x08);
                OptionalStrings(0x09, specific.AlwaysRequireApprovalToolNames);
                OptionalStrings(0x0A, specific.NeverRequireApprovalToolNames);
                _out.Byte(CanonicalHasher.End);
                break;
            default:
                Refuse($"an approval mode of the type {mode.GetType().Name} has no canonical form");
                break;
        }
    }

    // As written, not as meant: the provider is sent the text, and reading a schema of 20 kB on every call would be the dearest part of
    // a hit.
    private void Schema(byte tag, JsonElement schema)
    {
        if (schema.ValueKind == JsonValueKind.Undefined)
            return;

        _out.Field(tag, JsonMarshal.GetRawUtf8Value(schema));
    }

    private void Optional(byte tag, float? value)
    {
        if (value is { } number)
            _out.Field(tag, (long)BitConverter.SingleToInt32Bits(number));
    }

    private void Optional(byte tag, int? value)
    {
        if (value is { } number)
            _out.Field(tag, (long)number);
    }

    private void Optional(byte tag, long? value)
    {
        if (value is { } number)
            _out.Field(tag, number);
    }

    private void Strings(byte tag, IList<string>? strings)
    {
        if (strings is { Count: > 0 })
            OptionalStrings(tag, strings);
    }

    // For lists where "none" and "not said" differ: no allowed tools is not the same as no restriction.
    private void OptionalStrings(byte tag, IList<string>? strings)
    {
        if (strings is null)
            return;

        _out.Field(tag, (long)strings.Count);
        for (var i = 0; i < strings.Count; i++)
            _out.Field(0x01, strings[i].AsSpan());
    }

    /// <summary>Named values in ordinal order of their names; none at all is the same as an empty list.</summary>
    private void Properties(byte tag, IEnumerable<KeyValuePair<string, object?>>? properties, int depth, bool ownToo = false)
    {
        if (properties is null or ICollection<KeyValuePair<string, object?>> { Count: 0 }
            or IReadOnlyCollection<KeyValuePair<string, object?>> { Count: 0 })
        {
            return;
        }

        var sorted = new List<KeyValuePair<string, object?>>();
        foreach (var property in properties)
        {
            if (ownToo || !KeyExclusions.IsOwnProperty(property.Key))
                sorted.Add(property);
        }

        if (sorted.Count == 0)
            return;

        sorted.Sort(static (left, right) => string.CompareOrdinal(left.Key, right.Key));
        _out.Field(tag, (long)sorted.Count);
        foreach (var (name, value) in sorted)
        {
            _out.Field(0x01, name.AsSpan());
            Value(value, depth + 1);
        }
    }

    /// <summary>The result of a function, which may be any object: whatever has no form of its own counts as the JSON that adapters
    /// send.</summary>
    private void FunctionResult(object? result, int depth)
    {
        if (result is null or string or JsonElement)
        {
            Value(result, depth);
            return;
        }

        if (result is AIContent content)
        {
            _out.Byte(0x7E);
            Content(content, depth);
            return;
        }

        if (result is IEnumerable<AIContent> contents)
        {
            _out.Byte(0x7D);
            Contents(0x01, contents as IList<AIContent> ?? [.. contents], depth);
            return;
        }

        try
        {
            var type = AIJsonUtilities.DefaultOptions.GetTypeInfo(result.GetType());
            Value(JsonSerializer.SerializeToElement(result, type), depth);
        }
        catch (Exception e) when (e is NotSupportedException or JsonException or InvalidOperationException)
        {
            Refuse($"the function result of the type {result.GetType().Name} cannot be written as JSON");
        }
    }

    /// <summary>One value with its type: 5, 5.0 and "5" are three different things to an adapter.</summary>
    private void Value(object? value, int depth)
    {
        if (depth > MaxDepth)
        {
            Refuse("a value is nested too deeply");
            return;
        }

        switch (value)
        {
            case null:
                _out.Byte(0x70);
                break;
            case string text:
                _out.Field(0x71, text.AsSpan());
                break;
            case bool flag:
                _out.Field(0x72, flag);
                break;
            case Enum constant:
                _out.Field(0x73, constant.GetType().FullName.AsSpan());
                _out.Field(0x01, constant.ToString("D").AsSpan());
                break;
            case double number:
                _out.Field(0x74, BitConverter.DoubleToInt64Bits(number));
                break;
            case float number:
                _out.Field(0x75, (long)BitConverter.SingleToInt32Bits(number));
                break;
            case decimal or Half or Int128 or UInt128 or ulong or nint or nuint:
                _out.Field(0x76, value.GetType().Name.AsSpan());
                _out.Field(0x01, ((IFormattable)value).ToString(null, CultureInfo.InvariantCulture).AsSpan());
                break;
            case int or long or short or byte or sbyte or ushort or uint or char:
                _out.Byte(0x77);
                _out.Field((byte)Type.GetTypeCode(value.GetType()), value is char c ? c : Convert.ToInt64(value,
                    CultureInfo.InvariantCulture));
                break;
            case Guid guid:
                _out.Field(0x78, guid.ToByteArray());
                break;
            case DateTime time:
                _out.Field(0x79, time.ToBinary());
                break;
            case DateTimeOffset time:
                _out.Field(0x7A, time.Ticks);
                _out.Field(0x01, time.Offset.Ticks);
                break;
            case TimeSpan or DateOnly or TimeOnly:
                _out.Field(0x7B, value.GetType().Name.AsSpan());
                _out.Field(0x01, ((IFormattable)value).ToString(value is TimeSpan ? "c" : "O", CultureInfo.InvariantCulture).AsSpan());
                break;
            case byte[] bytes:
                _out.Field(0x7C, bytes);
                break;
            case Uri uri:
                _out.Field(0x7F, uri.OriginalString.AsSpan());
                break;
            case JsonElement json:
                Json(json, depth);
                break;
            case JsonNode node:
                Json(JsonElement.Parse(node.ToJsonString()), depth);
                break;
            case IEnumerable<KeyValuePair<string, object?>> map:
                _out.Byte(0x80);
                Properties(0x02, map, depth, ownToo: true);
                _out.Byte(CanonicalHasher.End);
                break;
            case IDictionary map:
                Dictionary(map, depth);
                break;
            case IList list:
                _out.Field(0x81, (long)list.Count);
                for (var i = 0; i < list.Count; i++)
                    Value(list[i], depth + 1);

                break;
            default:
                Refuse($"a value of the type {value.GetType().Name} has no canonical form");
                break;
        }
    }

    private void Dictionary(IDictionary map, int depth)
    {
        var entries = new List<KeyValuePair<string, object?>>(map.Count);
        foreach (DictionaryEntry entry in map)
        {
            if (entry.Key is not string name)
            {
                Refuse("a dictionary has names that are not strings");
                return;
            }

            entries.Add(KeyValuePair.Create(name, entry.Value));
        }

        _out.Byte(0x80);
        Properties(0x02, entries, depth, ownToo: true);
        _out.Byte(CanonicalHasher.End);
    }

    /// <summary>JSON by its meaning, so that blanks and the order of names do not matter; numbers as they are written.</summary>
    private void Json(JsonElement json, int depth)
    {
        if (depth > MaxDepth)
        {
            Refuse("JSON is nested too deeply");
            return;
        }

        switch (json.ValueKind)
        {
            case JsonValueKind.Object:
                var members = new List<JsonProperty>();
                foreach (var member in json.EnumerateObject())
                    members.Add(member);

                // OrderBy is stable: of two members with one name, readers take the last.
                var sorted = members.OrderBy(m => m.Name, StringComparer.Ordinal);
                _out.Field(0x90, (long)members.Count);
                foreach (var member in sorted)
                {
                    _out.Field(0x01, member.Name.AsSpan());
                    Json(member.Value, depth + 1);
                }

                break;
            case JsonValueKind.Array:
                _out.Field(0x91, (long)json.GetArrayLength());
                foreach (var item in json.EnumerateArray())
                    Json(item, depth + 1);

                break;
            case JsonValueKind.String:
                JsonString(json);
                break;
            case JsonValueKind.Number:
                _out.Field(0x93, JsonMarshal.GetRawUtf8Value(json));
                break;
            default:
                _out.Field(0x94, (long)json.ValueKind);
                break;
        }
    }

    private void JsonString(JsonElement json)
    {
        string? text;
        try
        {
            text = json.GetString();
        }
        catch (InvalidOperationException)
        {
            // "\ud800" is valid JSON for a text that .NET refuses to build.
            _out.Field(0x95, JsonMarshal.GetRawUtf8Value(json));
            return;
        }

        _out.Field(0x92, text.AsSpan());
    }
}
