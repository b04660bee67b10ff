using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Writes the options of a chat question.</summary>
internal sealed class CanonicalOptions(CanonicalWriter writer, CanonicalValues values, CanonicalJson json, CanonicalTools tools)
{
    private readonly CanonicalWriter _out = writer;
    private readonly CanonicalValues _values = values;
    private readonly CanonicalJson _json = json;
    private readonly CanonicalTools _tools = tools;

    // Only the members of ChatOptions itself: a subclass (Semantic Kernel has one) carries things for its own client, not for the provider.
    public void Write(ChatOptions options, CacheNormalization normalization)
    {
        _out.Optional(0x50, options.Instructions is { } instructions ? TextNormalizer.Apply(instructions, normalization) : null);
        _out.EndPart("instructions");
        _out.Optional(0x51, options.Temperature);
        _out.EndPart("temperature");
        _out.Optional(0x52, options.MaxOutputTokens);
        _out.EndPart("max output tokens");
        _out.Optional(0x53, options.TopP);
        _out.EndPart("top p");
        _out.Optional(0x54, options.TopK);
        _out.EndPart("top k");
        _out.Optional(0x55, options.FrequencyPenalty);
        _out.EndPart("frequency penalty");
        _out.Optional(0x56, options.PresencePenalty);
        _out.EndPart("presence penalty");
        _out.Optional(0x57, options.Seed);
        _out.EndPart("seed");
        if (options.Reasoning is { } reasoning)
        {
            _out.Optional(0x58, (int?)reasoning.Effort);
            _out.EndPart("reasoning effort");
            _out.Optional(0x59, (int?)reasoning.Output);
            _out.EndPart("reasoning output");
        }

        ResponseFormat(options.ResponseFormat);
        _out.EndPart("response format");
        _out.Strings(0x5E, options.StopSequences);
        _out.EndPart("stop sequences");
        if (options.AllowMultipleToolCalls is { } many)
            _out.Field(0x5F, many);

        _out.EndPart("allow multiple tool calls");
        ToolMode(options.ToolMode);
        _out.EndPart("tool mode");
        if (options.Tools is { Count: > 0 } tools)
        {
            _out.Byte(0x64);
            _out.EndFrame();
            for (var i = 0; i < tools.Count; i++)
                _tools.Write(tools[i]);

            _out.Byte(CanonicalWriter.End);
            _out.EndFrame();
        }

        _values.AdditionalProperties(0x65, options.AdditionalProperties);
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
                    _json.Schema(0x03, schema);

                _out.Byte(CanonicalWriter.End);
                break;
            default:
                _out.Refuse($"a response format of the type {format.GetType().Name} has no canonical form");
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
                _out.Refuse($"a tool mode of the type {mode.GetType().Name} has no canonical form");
                break;
        }
    }
}
