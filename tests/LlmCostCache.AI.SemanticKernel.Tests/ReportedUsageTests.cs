using Microsoft.Extensions.AI;
using OpenAI.Chat;

namespace LlmCostCache.AI.SemanticKernel.Tests;

public class ReportedUsageTests
{
    public static TheoryData<string, object?, TokenUsage?> Reports => new()
    {
        { "details", new UsageDetails { InputTokenCount = 10, OutputTokenCount = 5 }, Used(10, 0, 5) },
        { "content", new UsageContent(new() { InputTokenCount = 10, OutputTokenCount = 5, CachedInputTokenCount = 4 }), Used(6, 4, 5) },
        {
            "OpenAI",
            OpenAIChatModelFactory.ChatTokenUsage(outputTokenCount: 30, inputTokenCount: 120, totalTokenCount: 150,
                outputTokenDetails: OpenAIChatModelFactory.ChatOutputTokenUsageDetails(reasoningTokenCount: 10, audioTokenCount: 5),
                inputTokenDetails: OpenAIChatModelFactory.ChatInputTokenUsageDetails(cachedTokenCount: 100, audioTokenCount: 3)),
            Used(17, 100, 15) with { ReasoningTokens = 10, OutputAudioTokens = 5, InputAudioTokens = 3 }
        },
        { "Mistral", new Mistral(10, 5, 15), Used(10, 0, 5) },
        { "Bedrock", new Bedrock(10, 5, 15, 100, 7), Used(10, 100, 5) with { CacheWrite5mTokens = 7 } },
        { "unreadable", new { Something = 1 }, null },
        { "null", null, null },
        { "empty", new UsageDetails(), null },
    };

    [Theory]
    [MemberData(nameof(Reports))]
    public void What_a_service_reports_is_read_under_any_of_its_names(string service, object? reported, TokenUsage? expected)
    {
        _ = service;
        var usage = ReportedUsage.Of(new Dictionary<string, object?> { ["Usage"] = reported }, out _);
        Assert.Equal(expected, usage is null ? null : UsageNormalizer.Normalize(usage, null).Usage);
    }

    [Fact]
    public void Google_reports_beside_the_answer_and_counts_thoughts_apart()
    {
        var usage = ReportedUsage.Of(new Dictionary<string, object?>
        {
            ["PromptTokenCount"] = 100,
            ["CandidatesTokenCount"] = 20,
            ["ThoughtsTokenCount"] = 30,
            ["CachedContentTokenCount"] = 40,
            ["TotalTokenCount"] = 150,
        }, out var isConnectors);

        Assert.True(isConnectors);
        Assert.Equal(Used(60, 40, 20) with { ReasoningTokens = 30 }, UsageNormalizer.Normalize(usage!, null).Usage);
        Assert.Null(ReportedUsage.Of(new Dictionary<string, object?> { ["PromptTokenCount"] = 0, ["CandidatesTokenCount"] = 0, ["TotalTokenCount"] = 0 }, out _));
    }

    private static TokenUsage Used(long input, long cached, long output) =>
        new() { UncachedInputTokens = input, CachedInputTokens = cached, OutputTokens = output, Requests = 1 };

    private sealed record Mistral(int? PromptTokens, int? CompletionTokens, int? TotalTokens);

    private sealed record Bedrock(int InputTokens, int OutputTokens, int TotalTokens, int CacheReadInputTokens, int CacheWriteInputTokens);
}
