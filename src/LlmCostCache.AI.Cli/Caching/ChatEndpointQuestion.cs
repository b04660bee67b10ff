using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Cli.Caching;

/// <summary>Reads a request in the form of OpenAI's chat endpoint as the messages and options that lead to it.</summary>
internal static class ChatEndpointQuestion
{
    // How the answer is delivered and not what it says; the cache does not look at them either.
    private static readonly HashSet<string> s_delivery = ["messages", "stream", "stream_options"];

    /// <exception cref="JsonException">It is no such request.</exception>
    public static Question Read(JsonElement root, JsonElement messages)
    {
        var list = new List<ChatMessage>();
        foreach (var message in messages.EnumerateArray())
        {
            list.Add(Message(message, list.Count + 1));
        }

        var (options, ignored) = (new ChatOptions(), new List<string>());
        foreach (var field in root.ValueKind == JsonValueKind.Object ? [.. root.EnumerateObject()] : Array.Empty<JsonProperty>())
        {
            if (!s_delivery.Contains(field.Name) && !TryRead(options, field.Name, field.Value))
            {
                ignored.Add(field.Name);
            }
        }

        return new() { Messages = list, Options = options, Ignored = ignored };
    }

    /// <summary>A function as a declaration.</summary>
    /// <exception cref="JsonException">It is none.</exception>
    public static AITool Tool(JsonElement tool)
    {
        var function = tool.ValueKind == JsonValueKind.Object && tool.TryGetProperty("function", out var inner) ? inner : tool;
        if (Text(function, "name") is not { } name)
        {
            throw new JsonException("a tool has no \"name\"; only functions can be given here");
        }

        foreach (var place in (string[])["parameters", "input_schema", "jsonSchema"])
        {
            if (function.TryGetProperty(place, out var schema))
            {
                return AIFunctionFactory.CreateDeclaration(name, Text(function, "description") ?? "", schema.Clone());
            }
        }

        return AIFunctionFactory.CreateDeclaration(name, Text(function, "description") ?? "", JsonElement.Parse("{}"));
    }

    /// <returns>False for what <see cref="ChatOptions"/> has no place for.</returns>
    private static bool TryRead(ChatOptions options, string name, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Null)
        {
            return true;
        }

        switch (name)
        {
            case "model":
                options.ModelId = Required(value, name);
                return true;
            case "temperature":
                options.Temperature = Number(value, name);
                return true;
            case "top_p":
                options.TopP = Number(value, name);
                return true;
            case "top_k":
                options.TopK = Whole(value, name);
                return true;
            case "frequency_penalty":
                options.FrequencyPenalty = Number(value, name);
                return true;
            case "presence_penalty":
                options.PresencePenalty = Number(value, name);
                return true;
            case "max_tokens" or "max_completion_tokens":
                options.MaxOutputTokens = Whole(value, name);
                return true;
            case "seed":
                options.Seed = value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var seed) ? seed : throw new JsonException("\"seed\" is no whole number");
                return true;
            case "stop":
                options.StopSequences = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(item => Required(item, name))] : [Required(value, name)];
                return true;
            case "parallel_tool_calls":
                options.AllowMultipleToolCalls = value.ValueKind == JsonValueKind.True;
                return true;
            case "tools" when value.ValueKind == JsonValueKind.Array:
                options.Tools = [.. value.EnumerateArray().Select(Tool)];
                return true;
            case "tool_choice":
                options.ToolMode = ToolMode(value);
                return options.ToolMode is not null;
            case "response_format":
                options.ResponseFormat = ResponseFormat(value);
                return options.ResponseFormat is not null;
            case "reasoning_effort":
                return TryReadEffort(options, Required(value, name));
            default:
                return false;
        }
    }

    private static bool TryReadEffort(ChatOptions options, string effort)
    {
        if (!Enum.TryParse<ReasoningEffort>(effort == "xhigh" ? nameof(ReasoningEffort.ExtraHigh) : effort, ignoreCase: true, out var known))
        {
            return false;
        }

        options.Reasoning = new() { Effort = known };
        return true;
    }

    private static ChatToolMode? ToolMode(JsonElement choice) => choice.ValueKind switch
    {
        JsonValueKind.String => choice.GetString() switch
        {
            "auto" => ChatToolMode.Auto,
            "none" => ChatToolMode.None,
            "required" => ChatToolMode.RequireAny,
            _ => null,
        },
        JsonValueKind.Object when choice.TryGetProperty("function", out var function) && Text(function, "name") is { } name => ChatToolMode.RequireSpecific(name),
        _ => null,
    };

    private static ChatResponseFormat? ResponseFormat(JsonElement format) => Text(format, "type") switch
    {
        "text" => ChatResponseFormat.Text,
        "json_object" => ChatResponseFormat.Json,
        "json_schema" when format.TryGetProperty("json_schema", out var named) && named.ValueKind == JsonValueKind.Object && named.TryGetProperty("schema", out var schema) =>
            ChatResponseFormat.ForJsonSchema(schema.Clone(), Text(named, "name"), Text(named, "description")),
        _ => null,
    };

    private static ChatMessage Message(JsonElement message, int number)
    {
        if (Text(message, "role") is not { } role)
        {
            throw new JsonException($"message {number} is no object with a \"role\"");
        }

        List<AIContent> contents = [];
        if (message.TryGetProperty("content", out var content))
        {
            if (role == "tool" && content.ValueKind == JsonValueKind.String)
            {
                contents.Add(new FunctionResultContent(Text(message, "tool_call_id") ?? "", Result(content.GetString()!)));
            }
            else if (content.ValueKind == JsonValueKind.String)
            {
                contents.Add(new TextContent(content.GetString()));
            }
            else if (content.ValueKind == JsonValueKind.Array)
            {
                contents.AddRange(content.EnumerateArray().Select(part => Part(part, number)));
            }
        }

        if (message.TryGetProperty("tool_calls", out var calls) && calls.ValueKind == JsonValueKind.Array)
        {
            contents.AddRange(calls.EnumerateArray().Select(call => Call(call, number)));
        }

        return new ChatMessage(new ChatRole(role), contents) { AuthorName = Text(message, "name") };
    }

    private static AIContent Part(JsonElement part, int number)
    {
        if (Text(part, "text") is { } text)
        {
            return new TextContent(text);
        }

        try
        {
            switch (Text(part, "type"))
            {
                case "image_url" when part.TryGetProperty("image_url", out var image) && Text(image, "url") is { } url:
                    return url.StartsWith("data:", StringComparison.OrdinalIgnoreCase) ? new DataContent(url) : new UriContent(url, "image/*");
                case "input_audio" when part.TryGetProperty("input_audio", out var audio) && Text(audio, "data") is { } data:
                    return new DataContent(Convert.FromBase64String(data), Text(audio, "format") == "mp3" ? "audio/mpeg" : "audio/wav");
                case "file" when part.TryGetProperty("file", out var file) && Text(file, "file_data") is { } bytes:
                    return new DataContent(bytes) { Name = Text(file, "filename") };
                case "file" when part.TryGetProperty("file", out var file) && Text(file, "file_id") is { } id:
                    return new HostedFileContent(id);
                case var type:
                    throw new JsonException($"message {number} has a part of the type {type ?? "(none)"}, which cannot be read");
            }
        }
        catch (Exception wrong) when (wrong is FormatException or ArgumentException)
        {
            throw new JsonException($"message {number}: {wrong.Message}", wrong);
        }
    }

    private static FunctionCallContent Call(JsonElement call, int number)
    {
        if (call.ValueKind != JsonValueKind.Object || !call.TryGetProperty("function", out var function) || Text(function, "name") is not { } name)
        {
            throw new JsonException($"message {number} has a tool call that is no function");
        }

        var arguments = Text(function, "arguments") is { Length: > 0 } written && Parsed(written) is { ValueKind: JsonValueKind.Object } parsed
            ? parsed.EnumerateObject().DistinctBy(argument => argument.Name).ToDictionary(argument => argument.Name, argument => (object?)argument.Value)
            : null;
        return new FunctionCallContent(Text(call, "id") ?? "", name, arguments);
    }

    /// <summary>What a function returned: adapters send JSON, so what reads as JSON was most likely that.</summary>
    private static object Result(string content) => Parsed(content) is { } json ? json : content;

    private static JsonElement? Parsed(string json)
    {
        try
        {
            return JsonElement.Parse(json);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Required(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.String ? value.GetString()! : throw new JsonException($"\"{name}\" is no text");

    private static float Number(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetSingle(out var number) ? number : throw new JsonException($"\"{name}\" is no number");

    private static int Whole(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : throw new JsonException($"\"{name}\" is no whole number");

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
