using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>An answer of Google's <c>generateContent</c>, with the names that both .NET packages give it.</summary>
internal sealed record GeminiAnswer
{
    public IReadOnlyList<Candidate> Candidates { get; init; } = [];

    public UsageCounts? UsageMetadata { get; init; }

    public string? ModelVersion { get; init; }

    public string? ResponseId { get; init; }

    public IList<AIContent> Contents =>
        [.. Candidates.SelectMany(candidate => candidate.Content?.Parts ?? []).Where(part => part.Text is not null)
            .Select(part => part.Thought == true ? (AIContent)new TextReasoningContent(part.Text) : new TextContent(part.Text))];

    public ChatFinishReason? FinishReason => Candidates.Select(candidate => candidate.FinishReason).LastOrDefault(reason => reason is not null) switch
    {
        null => null,
        "STOP" => ChatFinishReason.Stop,
        "MAX_TOKENS" => ChatFinishReason.Length,
        _ => ChatFinishReason.ContentFilter,
    };

    internal sealed record Candidate(Content? Content, string? FinishReason);

    internal sealed record Content(IReadOnlyList<Part>? Parts, string? Role);

    internal sealed record Part(string? Text, bool? Thought, JsonElement? FunctionCall, JsonElement? InlineData);

    internal sealed record UsageCounts
    {
        public int? PromptTokenCount { get; init; }

        public int? CandidatesTokenCount { get; init; }

        public int? TotalTokenCount { get; init; }

        public int? CachedContentTokenCount { get; init; }

        public int? ThoughtsTokenCount { get; init; }

        public int? ToolUsePromptTokenCount { get; init; }

        public IReadOnlyList<ModalityTokenCount>? PromptTokensDetails { get; init; }

        public IReadOnlyList<ModalityTokenCount>? CacheTokensDetails { get; init; }

        public IReadOnlyList<ModalityTokenCount>? CandidatesTokensDetails { get; init; }

        public IReadOnlyList<ModalityTokenCount>? ToolUsePromptTokensDetails { get; init; }

        public string? TrafficType { get; init; }

        public string? ServiceTier { get; init; }
    }

    internal sealed record ModalityTokenCount(string? Modality, int? TokenCount);
}
