using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Writes the contents of messages and tools; what is unknown is refused.</summary>
internal sealed class CanonicalContents(CanonicalWriter writer, CanonicalValues values)
{
    private readonly CanonicalWriter _out = writer;
    private readonly CanonicalValues _values = values;
    private readonly CanonicalCallIds _ids = new(writer);
    private readonly CanonicalAnnotations _annotations = new(writer, values);

    /// <summary>Whether media that is only named may be part of the question.</summary>
    public bool AllowUris { get; set; }

    /// <summary>What makes no difference in texts.</summary>
    public CacheNormalization Normalization { get; set; }

    public void Clear() => _ids.Clear();

    public void WriteAll(byte tag, IList<AIContent>? contents, int depth)
    {
        if (contents is null or { Count: 0 })
            return;

        _out.Byte(tag);
        for (var i = 0; i < contents.Count; i++)
            Write(contents[i], depth);

        _out.Byte(CanonicalWriter.End);
    }

    public void Write(AIContent content, int depth)
    {
        if (KeyExclusions.IsSkipped(content))
            return;

        // Results can be contents that have results.
        if (depth > CanonicalValues.MaxDepth)
        {
            _out.Refuse("content is nested too deeply");
            return;
        }

        switch (content)
        {
            case TextContent text:
                _out.Field(0x30, Normalization == CacheNormalization.None ? text.Text : TextNormalizer.Apply(text.Text, Normalization));
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
                _ids.Write(call.CallId);
                _out.Field(0x01, call.Name.AsSpan());
                _values.Properties(0x02, call.Arguments, depth + 1, ownToo: true);
                _out.Field(0x03, call.InformationalOnly);
                break;
            case FunctionResultContent result when result.GetType() == typeof(FunctionResultContent):
                _out.Byte(0x38);
                _ids.Write(result.CallId);
                FunctionResult(result.Result, depth + 1);
                break;
            case McpServerToolCallContent call:
                _out.Byte(0x39);
                _ids.Write(call.CallId);
                _out.Field(0x01, call.Name.AsSpan());
                _out.Optional(0x02, call.ServerName);
                _values.Properties(0x03, call.Arguments, depth + 1, ownToo: true);
                break;
            case McpServerToolResultContent result:
                _out.Byte(0x3A);
                _ids.Write(result.CallId);
                WriteAll(0x01, result.Outputs, depth + 1);
                break;
            case CodeInterpreterToolCallContent call:
                _out.Byte(0x3B);
                _ids.Write(call.CallId);
                WriteAll(0x01, call.Inputs, depth + 1);
                break;
            case CodeInterpreterToolResultContent result:
                _out.Byte(0x3C);
                _ids.Write(result.CallId);
                WriteAll(0x01, result.Outputs, depth + 1);
                break;
            case ImageGenerationToolCallContent call:
                _out.Byte(0x3D);
                _ids.Write(call.CallId);
                break;
            case ImageGenerationToolResultContent result:
                _out.Byte(0x3E);
                _ids.Write(result.CallId);
                WriteAll(0x01, result.Outputs, depth + 1);
                break;
            case WebSearchToolCallContent call:
                _out.Byte(0x3F);
                _ids.Write(call.CallId);
                _out.Strings(0x01, call.Queries);
                break;
            case WebSearchToolResultContent result:
                _out.Byte(0x40);
                _ids.Write(result.CallId);
                WriteAll(0x01, result.Outputs, depth + 1);
                break;
            case ToolApprovalRequestContent request:
                _out.Byte(0x41);
                _ids.Write(request.RequestId);
                Write(request.ToolCall, depth + 1);
                ApprovalDetails(request);
                break;
            case ToolApprovalResponseContent response:
                _out.Byte(0x42);
                _ids.Write(response.RequestId);
                _out.Field(0x01, response.Approved);
                _out.Optional(0x02, response.Reason);
                Write(response.ToolCall, depth + 1);
                break;
            case ToolCallContent call when call.GetType() == typeof(ToolCallContent):
                _out.Byte(0x43);
                _ids.Write(call.CallId);
                break;
            case ToolResultContent result when result.GetType() == typeof(ToolResultContent):
                _out.Byte(0x44);
                _ids.Write(result.CallId);
                break;
            case { RawRepresentation: null } when content.GetType() == typeof(AIContent):
                _out.Byte(0x45);
                break;
            default:
                _out.Refuse($"content of the type {content?.GetType().Name ?? "null"} has no canonical form");
                return;
        }

        _annotations.Write(content.Annotations);
        _values.Properties(0x0E, content.AdditionalProperties, depth + 1);
        _out.Byte(CanonicalWriter.End);
    }

    private void RefuseUnlessUrisAreAllowed(string reason)
    {
        if (!AllowUris)
            _out.Refuse(reason);
    }

#pragma warning disable MEAI001 // Experimental members shape the answer like the others.
    private void HostedFileDetails(HostedFileContent file)
    {
        _out.Optional(0x03, file.Purpose);
        _out.Optional(0x04, file.Scope);
    }

    private void ApprovalDetails(ToolApprovalRequestContent request) => _out.Field(0x01, request.RequiresConfirmation);
#pragma warning restore MEAI001

    /// <summary>The result of a function, which may be any object: whatever has no form of its own counts as the JSON that adapters
    /// send.</summary>
    private void FunctionResult(object? result, int depth)
    {
        if (result is null or string or JsonElement)
        {
            _values.Value(result, depth);
            return;
        }

        if (result is AIContent content)
        {
            _out.Byte(0x7E);
            Write(content, depth);
            return;
        }

        if (result is IEnumerable<AIContent> contents)
        {
            _out.Byte(0x7D);
            WriteAll(0x01, contents as IList<AIContent> ?? [.. contents], depth);
            return;
        }

        try
        {
            var type = AIJsonUtilities.DefaultOptions.GetTypeInfo(result.GetType());
            _values.Value(JsonSerializer.SerializeToElement(result, type), depth);
        }
        catch (Exception e) when (e is NotSupportedException or JsonException or InvalidOperationException)
        {
            _out.Refuse($"the function result of the type {result.GetType().Name} cannot be written as JSON");
        }
    }
}
