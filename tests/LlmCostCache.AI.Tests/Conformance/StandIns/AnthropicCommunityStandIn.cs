using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Anthropic.SDK of the community: cache counts beside the input, no total, and a stream that reports at its start and again at its end.</summary>
internal sealed class AnthropicCommunityStandIn(HttpClient http, string model) : StandInClient(http, new ChatClientMetadata("AnthropicClient", http.BaseAddress, model))
{
    private string? _id;
    private string? _model;

    protected override ChatResponse Answer(JsonElement body) => new(new ChatMessage(ChatRole.Assistant, body.GetProperty("content")[0].GetProperty("text").GetString()))
    {
        ModelId = body.GetProperty("model").GetString(),
        ResponseId = body.GetProperty("id").GetString(),
        FinishReason = Finish(body.GetProperty("stop_reason").GetString()),
        Usage = Details(body.GetProperty("usage")),
        RawRepresentation = body,
    };

    protected override IEnumerable<ChatResponseUpdate> Read(JsonElement item)
    {
        switch (item.GetProperty("type").GetString())
        {
            case "message_start":
                var message = item.GetProperty("message");
                (_id, _model) = (message.GetProperty("id").GetString(), message.GetProperty("model").GetString());
                yield return Update(new UsageContent(Details(message.GetProperty("usage"))));
                break;
            case "content_block_delta":
                yield return Update(new TextContent(item.GetProperty("delta").GetProperty("text").GetString()));
                break;
            case "message_delta":
                var last = Update(new UsageContent(Details(item.GetProperty("usage"))));
                last.FinishReason = Finish(item.GetProperty("delta").GetProperty("stop_reason").GetString());
                yield return last;
                break;
        }
    }

    private ChatResponseUpdate Update(AIContent content) => new(ChatRole.Assistant, [content]) { ResponseId = _id, MessageId = _id, ModelId = _model };

    private static ChatFinishReason Finish(string? reason) => reason == "max_tokens" ? ChatFinishReason.Length : ChatFinishReason.Stop;

    private static UsageDetails Details(JsonElement usage) => new()
    {
        InputTokenCount = Number(usage, "input_tokens") ?? 0,
        OutputTokenCount = Number(usage, "output_tokens") ?? 0,
        AdditionalCounts = new()
        {
            ["CacheCreationInputTokens"] = Number(usage, "cache_creation_input_tokens") ?? 0,
            ["CacheReadInputTokens"] = Number(usage, "cache_read_input_tokens") ?? 0,
        },
    };
}
