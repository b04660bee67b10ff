using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Cli.Estimates;

/// <summary>A request to a chat endpoint in OpenAI's form: what of it decides the cost.</summary>
internal sealed class ChatRequest
{
    private static readonly JsonDocumentOptions s_reading = new() { MaxDepth = 64, CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    public List<ChatMessage> Messages { get; } = [];

    public ChatOptions Options { get; } = new();

    /// <summary>The model that the request names; null when it names none.</summary>
    public string? Model { get; private set; }

    public string? ServiceTier { get; private set; }

    /// <exception cref="JsonException">It is no chat request, and why.</exception>
    public static ChatRequest Read(ReadOnlyMemory<byte> json)
    {
        try
        {
            return Parse(json);
        }
        catch (Exception wrong) when (wrong is ArgumentException or InvalidOperationException)
        {
            // Half of a surrogate pair, a role or a name of nothing, a schema that is none.
            throw new JsonException(wrong.Message.Split(" (Parameter", 2)[0], wrong);
        }
    }

    private static ChatRequest Parse(ReadOnlyMemory<byte> json)
    {
        using var document = JsonDocument.Parse(json, s_reading);
        var root = document.RootElement;
        var request = new ChatRequest();
        var messages = root;
        if (root.ValueKind == JsonValueKind.Object)
        {
            if (!root.TryGetProperty("messages", out messages))
            {
                throw new JsonException("it has no \"messages\"");
            }

            request.ReadOptions(root);
        }

        if (messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
        {
            throw new JsonException("\"messages\" is no list, or an empty one");
        }

        foreach (var message in messages.EnumerateArray())
        {
            request.ReadMessage(message);
        }

        return request;
    }

    private void ReadOptions(JsonElement root)
    {
        Model = Text(root, "model");
        ServiceTier = Text(root, "service_tier");
        Options.Instructions = Text(root, "system") ?? (root.TryGetProperty("system", out var parts) && parts.ValueKind == JsonValueKind.Array
            ? string.Concat(parts.EnumerateArray().Select(static part => Text(part, "text"))) : null);
        foreach (var name in new[] { "max_completion_tokens", "max_output_tokens", "max_tokens" })
        {
            if (root.TryGetProperty(name, out var most) && most.ValueKind == JsonValueKind.Number && most.TryGetInt32(out var tokens) && tokens > 0)
            {
                Options.MaxOutputTokens ??= tokens;
            }
        }

        if (root.TryGetProperty("n", out var n) && n.ValueKind == JsonValueKind.Number && n.TryGetInt32(out var choices))
        {
            (Options.AdditionalProperties = [])["n"] = Math.Clamp(choices, 1, 1_000);
        }

        if (root.TryGetProperty("tools", out var tools) && tools.ValueKind == JsonValueKind.Array)
        {
            Options.Tools = [.. tools.EnumerateArray().Select(Tool)];
        }

        if (root.TryGetProperty("response_format", out var format) && format.ValueKind == JsonValueKind.Object
            && format.TryGetProperty("json_schema", out var named) && named.ValueKind == JsonValueKind.Object && named.TryGetProperty("schema", out var schema))
        {
            Options.ResponseFormat = ChatResponseFormat.ForJsonSchema(schema.Clone(), Text(named, "name"), Text(named, "description"));
        }
    }

    /// <summary>A function as a declaration; anything else runs at the provider, and what it reads cannot be seen here.</summary>
    private static AITool Tool(JsonElement tool)
    {
        // OpenAI wraps functions; Anthropic and the Responses API do not.
        var function = tool.ValueKind == JsonValueKind.Object && tool.TryGetProperty("function", out var inner) ? inner : tool;
        if (function.ValueKind != JsonValueKind.Object || Text(function, "name") is not { } name)
        {
            return new HostedWebSearchTool();
        }

        var hasSchema = function.TryGetProperty("parameters", out var schema) || function.TryGetProperty("input_schema", out schema);
        using var none = JsonDocument.Parse("{}");
        return AIFunctionFactory.CreateDeclaration(name, Text(function, "description") ?? "", hasSchema ? schema.Clone() : none.RootElement.Clone());
    }

    private void ReadMessage(JsonElement message)
    {
        if (message.ValueKind != JsonValueKind.Object || Text(message, "role") is not { } role)
        {
            throw new JsonException($"message {Messages.Count + 1} is no object with a \"role\"");
        }

        List<AIContent> contents = [];
        if (message.TryGetProperty("content", out var content))
        {
            if (content.ValueKind == JsonValueKind.String)
            {
                contents.Add(new TextContent(content.GetString()));
            }
            else if (content.ValueKind == JsonValueKind.Array)
            {
                contents.AddRange(content.EnumerateArray().Select(Part));
            }
        }

        if (message.TryGetProperty("tool_calls", out var calls) && calls.ValueKind == JsonValueKind.Array)
        {
            foreach (var call in calls.EnumerateArray())
            {
                // Their arguments are JSON in a string, which is what the model reads.
                contents.Add(new TextContent(call.TryGetProperty("function", out var function) ? function.GetRawText() : call.GetRawText()));
            }
        }

        Messages.Add(new ChatMessage(new ChatRole(role), contents) { AuthorName = Text(message, "name") });
    }

    private static AIContent Part(JsonElement part)
    {
        if (part.ValueKind == JsonValueKind.String)
        {
            return new TextContent(part.GetString());
        }

        if (Text(part, "text") is { } text)
        {
            return new TextContent(text);
        }

        return Text(part, "type") switch
        {
            // Its size is in the provider's hands, between a low fixed count and a bound that is known.
            "image_url" or "input_image" or "image" => new DataContent(new byte[] { 0 }, "image/png"),
            "tool_result" or "tool_use" or "thinking" => new TextContent(part.GetRawText()),
            var type => new UnseenContent(type ?? "part without a type"),
        };
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>Something whose tokens cannot be told from the request: sound, documents, files.</summary>
    private sealed class UnseenContent(string kind) : AIContent
    {
        public override string ToString() => kind;
    }
}
