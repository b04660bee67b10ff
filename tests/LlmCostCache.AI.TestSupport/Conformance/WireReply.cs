using System.Text;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>The body of a provider's answer: one of the four forms.</summary>
public sealed record WireReply
{
    public int Status { get; init; } = 200;

    /// <summary>A JSON body.</summary>
    public JsonElement? Body { get; init; }

    /// <summary>Server-sent events: JSON is data, <c>[DONE]</c> too, and what begins with a colon is a comment.</summary>
    public IReadOnlyList<JsonElement>? Events { get; init; }

    /// <summary>One JSON object a line, as Ollama streams.</summary>
    public IReadOnlyList<JsonElement>? Lines { get; init; }

    /// <summary>A body that is none of these.</summary>
    public string? Text { get; init; }

    /// <summary>Whether each event carries its <c>type</c> as its name, as Anthropic and the Responses API write them.</summary>
    public bool NamedEvents { get; init; }

    /// <summary>How the body ends: in order, or with a lost connection.</summary>
    public ScriptedEnding Ending { get; init; }

    public string ContentType => Events is not null ? "text/event-stream" : Lines is not null ? "application/x-ndjson" : "application/json";

    /// <summary>The bytes as they travel.</summary>
    /// <param name="lineEnd">What ends a line of a stream.</param>
    /// <param name="withComments">Whether keep-alive comments stand between the events.</param>
    public byte[] Bytes(string lineEnd = "\n", bool withComments = false)
    {
        if (Body is { } body)
        {
            return Encoding.UTF8.GetBytes(body.GetRawText());
        }

        if (Lines is { } lines)
        {
            return Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line.GetRawText() + lineEnd)));
        }

        if (Events is not { } events)
        {
            return Encoding.UTF8.GetBytes(Text ?? "");
        }

        var text = new StringBuilder();
        foreach (var item in events)
        {
            if (withComments)
            {
                text.Append(": keep-alive").Append(lineEnd).Append(lineEnd);
            }

            if (item.ValueKind == JsonValueKind.String)
            {
                var word = item.GetString()!;
                text.Append(word.StartsWith(':') ? word : "data: " + word);
            }
            else
            {
                text.Append(NamedEvents ? $"event: {item.GetProperty("type").GetString()}{lineEnd}" : "").Append("data: ").Append(item.GetRawText());
            }

            text.Append(lineEnd).Append(lineEnd);
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
