using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>What the caller asks for.</summary>
public sealed record ConformanceRequest
{
    public required string Model { get; init; }

    /// <summary>The question, or the text to embed.</summary>
    public string Text { get; init; } = "Why is the sky blue?";

    public bool Streamed { get; init; }

    public int? MaxOutputTokens { get; init; }

    /// <summary>The service tier the caller asks for.</summary>
    public string? ServiceTier { get; init; }

    public ChatOptions Options => new()
    {
        MaxOutputTokens = MaxOutputTokens,
        AdditionalProperties = ServiceTier is null ? null : new() { ["service_tier"] = ServiceTier },
    };
}
