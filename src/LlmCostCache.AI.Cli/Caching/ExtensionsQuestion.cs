using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Cli.Caching;

/// <summary>Reads <c>{"messages": [ChatMessage...], "options": ChatOptions, "tools": [...]}</c> as Microsoft.Extensions.AI writes it.</summary>
internal static class ExtensionsQuestion
{
    /// <exception cref="JsonException">It is no such request.</exception>
    public static Question Read(JsonElement root, JsonElement messages)
    {
        try
        {
            var list = messages.Deserialize(Form<List<ChatMessage>>())!;
            if (list.Contains(null!))
            {
                throw new JsonException("one of the messages is null");
            }

            var (options, tools) = (new ChatOptions(), default(JsonElement));
            if (root.ValueKind == JsonValueKind.Object)
            {
                if (root.TryGetProperty("options", out var written) && written.ValueKind == JsonValueKind.Object)
                {
                    options = written.Deserialize(Form<ChatOptions>())!;
                    _ = written.TryGetProperty("tools", out tools);
                }

                if (root.TryGetProperty("model", out var model) && model.ValueKind == JsonValueKind.String)
                {
                    options.ModelId ??= model.GetString();
                }

                if (tools.ValueKind != JsonValueKind.Array)
                {
                    _ = root.TryGetProperty("tools", out tools);
                }
            }

            if (tools.ValueKind == JsonValueKind.Array)
            {
                options.Tools = [.. tools.EnumerateArray().Select(ChatEndpointQuestion.Tool)];
            }

            AsGiven(options.AdditionalProperties);
            foreach (var message in list)
            {
                AsGiven(message.AdditionalProperties);
                foreach (var content in message.Contents)
                {
                    AsGiven(content.AdditionalProperties);
                }
            }

            return new() { Messages = list, Options = options };
        }
        catch (Exception wrong) when (wrong is NotSupportedException or ArgumentException or FormatException or InvalidOperationException)
        {
            throw new JsonException(wrong.Message, wrong);
        }
    }

    /// <summary>How the library itself writes the type, without reflection.</summary>
    private static JsonTypeInfo<T> Form<T>() => (JsonTypeInfo<T>)AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(T));

    /// <summary>The types that values most likely had when the application set them; JSON knows fewer, and to the cache 5 and "5" are two things.</summary>
    private static void AsGiven(AdditionalPropertiesDictionary? properties)
    {
        foreach (var (name, value) in properties?.ToArray() ?? [])
        {
            if (value is JsonElement json)
            {
                properties![name] = json.ValueKind switch
                {
                    JsonValueKind.String => json.GetString(),
                    JsonValueKind.True => true,
                    JsonValueKind.False => false,
                    JsonValueKind.Null => null,
                    JsonValueKind.Number when json.TryGetInt32(out var number) => number,
                    JsonValueKind.Number when json.TryGetInt64(out var number) => number,
                    JsonValueKind.Number => json.GetDouble(),
                    _ => json,
                };
            }
        }
    }
}
