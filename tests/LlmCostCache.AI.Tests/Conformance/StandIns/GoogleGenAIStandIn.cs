using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Google.GenAI: the output leaves the thoughts out, prompts of tools are a count of their own, a stream reports its last usage at the end.</summary>
internal sealed class GoogleGenAIStandIn(HttpClient http, string model) : StandInClient(http, new ChatClientMetadata("gcp.gen_ai", http.BaseAddress, model))
{
    private GeminiAnswer? _last;

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
        _last = answer.UsageMetadata is not null || _last is null ? answer : _last;
        yield return Update(answer, answer.Contents, answer.FinishReason);
    }

    protected override IEnumerable<ChatResponseUpdate> End()
    {
        if (_last is { UsageMetadata: { } counts } answer)
        {
            yield return Update(answer, [new UsageContent(Details(counts))], answer.FinishReason);
        }
    }

    private static ChatResponseUpdate Update(GeminiAnswer answer, IList<AIContent> contents, ChatFinishReason? finish) => new(ChatRole.Assistant, contents)
    {
        ModelId = answer.ModelVersion,
        ResponseId = answer.ResponseId,
        MessageId = answer.ResponseId,
        FinishReason = finish,
        RawRepresentation = answer,
    };

    private static UsageDetails Details(GeminiAnswer.UsageCounts counts) => new()
    {
        InputTokenCount = counts.PromptTokenCount,
        OutputTokenCount = counts.CandidatesTokenCount,
        TotalTokenCount = counts.TotalTokenCount,
        CachedInputTokenCount = counts.CachedContentTokenCount,
        ReasoningTokenCount = counts.ThoughtsTokenCount,
        AdditionalCounts = counts.ToolUsePromptTokenCount is { } tools ? new() { ["ToolUsePromptTokenCount"] = tools } : null,
    };
}
