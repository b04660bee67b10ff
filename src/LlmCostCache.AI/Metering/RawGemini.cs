using System.Collections;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>
/// Reads the usage metadata of Google's answers, under the member names of Google.GenAI and Mscc.GenerativeAI: counts by modality, which adapters leave out, and
/// all counts of streams, which the latter's adapter does not report.
/// </summary>
internal static class RawGemini
{
    /// <summary>Null when it is no answer of Google's.</summary>
    public static RawFacts? Read(object raw)
    {
        if (RawProperties.Get(raw, "UsageMetadata") is not { } metadata)
        {
            return RawProperties.Has(raw, "UsageMetadata") ? new() { IsRead = true } : null;
        }

        var prompt = RawProperties.Count(metadata, "PromptTokenCount");
        var candidates = RawProperties.Count(metadata, "CandidatesTokenCount");
        var thoughts = RawProperties.Count(metadata, "ThoughtsTokenCount") ?? 0;
        var tools = RawProperties.Count(metadata, "ToolUsePromptTokenCount") ?? 0;
        if (prompt is null && candidates is null)
        {
            return RawProperties.Has(metadata, "PromptTokenCount") ? new() { IsRead = true } : RawFacts.Unread;
        }

        // The candidates leave the thoughts out and the prompt leaves out what tools added; the total has both, and tells whoever takes this apart.
        var usage = new UsageDetails
        {
            InputTokenCount = prompt,
            OutputTokenCount = candidates ?? 0,
            ReasoningTokenCount = thoughts,
            CachedInputTokenCount = RawProperties.Count(metadata, "CachedContentTokenCount"),
            TotalTokenCount = RawProperties.Count(metadata, "TotalTokenCount") is > 0 and var total ? total : (prompt ?? 0) + (candidates ?? 0) + thoughts + tools,
        };
        RawUsage.Add(usage, "ToolUsePromptTokenCount", tools);
        AddModalities(usage, RawProperties.Get(metadata, "PromptTokensDetails"), UsageNames.InputAudio, UsageNames.InputImage, UsageNames.InputVideo);
        AddModalities(usage, RawProperties.Get(metadata, "ToolUsePromptTokensDetails"), UsageNames.InputAudio, UsageNames.InputImage, UsageNames.InputVideo);
        AddModalities(usage, RawProperties.Get(metadata, "CacheTokensDetails"), UsageNames.CachedAudio, UsageNames.CachedImage, null);
        AddModalities(usage, RawProperties.Get(metadata, "CandidatesTokensDetails"), UsageNames.OutputAudio, UsageNames.OutputImage, UsageNames.OutputVideo);
        return new() { Usage = usage, IsRead = true };
    }

    private static void AddModalities(UsageDetails usage, object? details, string audio, string image, string? video)
    {
        if (details is not IEnumerable counts)
        {
            return;
        }

        foreach (var count in counts)
        {
            var name = RawProperties.Text(RawProperties.Get(count, "Modality")) switch
            {
                "audio" => audio,
                "image" => image,
                "video" => video,
                _ => null,
            };
            if (name is not null && RawProperties.Count(count, "TokenCount") is > 0 and var tokens)
            {
                RawUsage.Add(usage, name, tokens);
            }
        }
    }
}
