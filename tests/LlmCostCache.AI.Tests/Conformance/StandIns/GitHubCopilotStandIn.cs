using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>Agent Framework's GitHub Copilot: cache counts inside the input, and a cost and a duration among the counts that are neither tokens nor dollars.</summary>
internal sealed class GitHubCopilotStandIn(HttpClient http, string model) : StandInClient(http, new ChatClientMetadata("github.copilot", null, model))
{
    protected override ChatResponse Answer(JsonElement body)
    {
        var usage = body.GetProperty("data");
        var details = new UsageDetails
        {
            InputTokenCount = Number(usage, "inputTokens"),
            OutputTokenCount = Number(usage, "outputTokens"),
            CachedInputTokenCount = Number(usage, "cacheReadTokens"),
            TotalTokenCount = Number(usage, "inputTokens") + Number(usage, "outputTokens"),
            AdditionalCounts = [],
        };
        foreach (var (wire, name) in (ReadOnlySpan<(string, string)>)[("cacheWriteTokens", "CacheWriteTokens"), ("cost", "Cost"), ("duration", "Duration")])
        {
            if (Number(usage, wire) is { } count)
            {
                details.AdditionalCounts[name] = count;
            }
        }

        return new(new ChatMessage(ChatRole.Assistant, "Rayleigh scattering."))
        {
            ModelId = usage.GetProperty("model").GetString(),
            FinishReason = ChatFinishReason.Stop,
            Usage = details,
        };
    }

    protected override IEnumerable<ChatResponseUpdate> Read(JsonElement item) => Answer(item).ToChatResponseUpdates();
}
