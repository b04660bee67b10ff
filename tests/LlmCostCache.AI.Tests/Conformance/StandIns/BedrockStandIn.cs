using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>AWSSDK.Extensions.Bedrock.MEAI over Converse: cache counts beside the input, no model in the answer, made-up ids.</summary>
internal sealed class BedrockStandIn(HttpClient http, string model) : StandInClient(http, new ChatClientMetadata("aws.bedrock", null, model))
{
    private readonly string _id = Guid.NewGuid().ToString("N");

    protected override ChatResponse Answer(JsonElement body) =>
        new(new ChatMessage(ChatRole.Assistant, body.GetProperty("output").GetProperty("message").GetProperty("content")[0].GetProperty("text").GetString()))
        {
            ResponseId = _id,
            FinishReason = Finish(body.GetProperty("stopReason").GetString()),
            Usage = Details(body.GetProperty("usage")),
            RawRepresentation = body,
        };

    // The wire carries these events in Amazon's binary frames; the stand-in is handed what is inside them.
    protected override IEnumerable<ChatResponseUpdate> Read(JsonElement item)
    {
        if (item.TryGetProperty("contentBlockDelta", out var delta))
        {
            yield return Update(new TextContent(delta.GetProperty("delta").GetProperty("text").GetString()));
        }
        else if (item.TryGetProperty("messageStop", out var stop))
        {
            yield return new(ChatRole.Assistant, []) { ResponseId = _id, MessageId = _id, FinishReason = Finish(stop.GetProperty("stopReason").GetString()) };
        }
        else if (item.TryGetProperty("metadata", out var metadata))
        {
            yield return Update(new UsageContent(Details(metadata.GetProperty("usage"))));
        }
    }

    private ChatResponseUpdate Update(AIContent content) => new(ChatRole.Assistant, [content]) { ResponseId = _id, MessageId = _id };

    private static ChatFinishReason Finish(string? reason) => reason switch
    {
        "max_tokens" => ChatFinishReason.Length,
        "guardrail_intervened" or "content_filtered" => ChatFinishReason.ContentFilter,
        "tool_use" => ChatFinishReason.ToolCalls,
        _ => ChatFinishReason.Stop,
    };

    private static UsageDetails Details(JsonElement usage)
    {
        var details = new UsageDetails
        {
            InputTokenCount = Number(usage, "inputTokens"),
            OutputTokenCount = Number(usage, "outputTokens"),
            TotalTokenCount = Number(usage, "totalTokens"),
        };
        foreach (var (wire, name) in (ReadOnlySpan<(string, string)>)[("cacheReadInputTokens", "CacheReadInputTokens"), ("cacheWriteInputTokens", "CacheWriteInputTokens")])
        {
            if (Number(usage, wire) is { } count)
            {
                (details.AdditionalCounts ??= [])[name] = count;
            }
        }

        return details;
    }
}
