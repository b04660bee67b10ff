using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Writes tools as the model gets to know them; what is unknown is refused.</summary>
internal sealed class CanonicalTools(CanonicalWriter writer, CanonicalValues values, CanonicalJson json, CanonicalContents contents)
{
    private readonly CanonicalWriter _out = writer;
    private readonly CanonicalValues _values = values;
    private readonly CanonicalJson _json = json;
    private readonly CanonicalContents _contents = contents;

    public void Write(AITool tool)
    {
        switch (tool)
        {
            case AIFunctionDeclaration function:
                _out.Byte(0x01);
                _json.Schema(0x02, function.JsonSchema);
                if (function.ReturnJsonSchema is { } returned)
                    _json.Schema(0x03, returned);

                if (function is ApprovalRequiredAIFunction)
                    _out.Byte(0x04);

                break;
            case HostedWebSearchTool when tool.GetType() == typeof(HostedWebSearchTool):
                _out.Byte(0x05);
                break;
            case HostedCodeInterpreterTool interpreter when tool.GetType() == typeof(HostedCodeInterpreterTool):
                _out.Byte(0x06);
                _contents.WriteAll(0x13, interpreter.Inputs, 1);
                break;
            case HostedFileSearchTool search when tool.GetType() == typeof(HostedFileSearchTool):
                _out.Byte(0x07);
                _out.Optional(0x02, search.MaximumResultCount);
                _contents.WriteAll(0x13, search.Inputs, 1);
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
                _out.OptionalStrings(0x05, mcp.AllowedTools);
                ApprovalMode(mcp.ApprovalMode);
                if (mcp.Headers is { Count: > 0 } headers)
                    _values.Properties(0x0B, headers.Select(h => KeyValuePair.Create(h.Key, (object?)h.Value)), 1, ownToo: true);

                break;
            default:
                if (!TryExperimentalTool(tool))
                {
                    _out.Refuse($"a tool of the type {tool?.GetType().Name ?? "null"} has no canonical form");
                    return;
                }

                break;
        }

        _out.Field(0x0C, tool.Name.AsSpan());
        _out.Field(0x0D, tool.Description.AsSpan());
        _values.Properties(0x0E, tool.AdditionalProperties, 1);
        _out.Byte(CanonicalWriter.End);
        _out.EndPart("tool", tool.Name);
    }

#pragma warning disable MEAI001 // Experimental tools shape the answer like the others.
    private bool TryExperimentalTool(AITool? tool)
    {
        if (tool is not HostedToolSearchTool search || tool.GetType() != typeof(HostedToolSearchTool))
            return false;

        _out.Byte(0x0A);
        _out.OptionalStrings(0x02, search.DeferredTools);
        _out.Optional(0x03, search.Namespace);
        _out.Optional(0x04, search.NamespaceDescription);
        return true;
    }

    private void ImageOptions(ImageGenerationOptions? options)
    {
        if (options is null)
            return;

        if (options.RawRepresentationFactory is not null)
            _out.Refuse("RawRepresentationFactory is set on an image tool");

        _out.Optional(0x02, options.Count);
        if (options.ImageSize is { } size)
        {
            _out.Field(0x03, (long)size.Width);
            _out.Field(0x04, (long)size.Height);
        }

        _out.Optional(0x05, options.MediaType);
        _out.Optional(0x06, options.ModelId);
        _out.Optional(0x07, (int?)options.ResponseFormat);
        _out.Optional(0x08, options.StreamingCount);
        _values.Properties(0x09, options.AdditionalProperties, 1);
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
                _out.OptionalStrings(0x09, specific.AlwaysRequireApprovalToolNames);
                _out.OptionalStrings(0x0A, specific.NeverRequireApprovalToolNames);
                _out.Byte(CanonicalWriter.End);
                break;
            default:
                _out.Refuse($"an approval mode of the type {mode.GetType().Name} has no canonical form");
                break;
        }
    }
}
