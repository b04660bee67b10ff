using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Mscc.GenerativeAI.Microsoft: the output holds the thoughts, and a stream reports usage in the raw answers only.</summary>
internal sealed class MsccGeminiStandIn(HttpClient http, string model) : StandInClient(http, new ChatClientMetadata("gemini", http.BaseAddress, model))
{
    protected override ChatResponse Answer(JsonElement body)
    {
        var answer = body.Deserialize<GeminiAnswer>(Web)!;
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, answer.Contents))
        {
            ModelId = answer.ModelVersion,
            ResponseId = answer.ResponseId,
            FinishReason = answer.FinishReason,
            Usage = answer.UsageMetadata is { } counts ? Details(counts) : null,
            RawRepresentation = answer,
        };
    }

    protected override IEnumerable<ChatResponseUpdate> Read(JsonElement item)
    {
        var answer = item.Deserialize<GeminiAnswer>(Web)!;
        yield return new(ChatRole.Assistant, answer.Contents)
        {
            ModelId = answer.ModelVersion,
            ResponseId = answer.ResponseId,
            MessageId = answer.ResponseId,
            FinishReason = answer.FinishReason,
            RawRepresentation = answer,
        };
    }

    private static UsageDetails Details(GeminiAnswer.UsageCounts counts) => new()
    {
        InputTokenCount = counts.PromptTokenCount,
        OutputTokenCount = counts.CandidatesTokenCount + (counts.ThoughtsTokenCount ?? 0),
        TotalTokenCount = counts.TotalTokenCount,
        CachedInputTokenCount = counts.CachedContentTokenCount,
        ReasoningTokenCount = counts.ThoughtsTokenCount,
        AdditionalCounts = counts.ToolUsePromptTokenCount is { } tools ? new() { ["ToolUsePromptTokenCount"] = tools } : null,
    };
}
