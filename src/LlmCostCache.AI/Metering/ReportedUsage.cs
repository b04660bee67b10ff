using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>
/// Reads what services of Semantic Kernel report beside an answer: in the metadata of their messages and, when they are used as chat clients, among the additional
/// properties. Connectors use types of their own, under the same few names.
/// </summary>
internal static class ReportedUsage
{
    /// <summary>Null when nothing was reported.</summary>
    /// <param name="metadata">The metadata of an answer or a piece of one.</param>
    /// <param name="isConnectors">Whether a connector reported it, which no chat client of ours can be inside of.</param>
    public static UsageDetails? Of(IReadOnlyDictionary<string, object?>? metadata, out bool isConnectors)
    {
        var facts = Read(metadata, out isConnectors);
        return UsageNormalizer.IsReported(facts.Usage) ? facts.Usage : null;
    }

    /// <summary>What stands in the metadata about usage, cost and tier.</summary>
    /// <inheritdoc cref="Of"/>
    public static RawFacts Read(IReadOnlyDictionary<string, object?>? metadata, out bool isConnectors)
    {
        isConnectors = false;
        if (metadata is null or { Count: 0 })
        {
            return RawFacts.None;
        }

        if (metadata.TryGetValue("Usage", out var reported) && reported is not null)
        {
            switch (reported)
            {
                case UsageDetails details:
                    return new() { Usage = details };
                case UsageContent content:
                    var raw = RawAnswer.Read(content.RawRepresentation);
                    return raw with { Usage = RawUsage.Completed(content.Details, raw), Beside = null };
                default:
                    isConnectors = true;
                    return OfConnector(reported);
            }
        }

        if (OfGoogle(metadata) is { } google)
        {
            isConnectors = true;
            return new() { Usage = google, IsRead = true };
        }

        return RawFacts.None;
    }

    // OpenAI's and Azure's write themselves; the others are read by their properties.
    private static RawFacts OfConnector(object reported) =>
        RawAnswer.Read(reported) is { Usage: not null } facts ? facts : new() { Usage = RawUsage.OfCounts(reported), IsRead = true };

    // The thoughts are counted beside the answer; pieces of a stream that report nothing say zero.
    private static UsageDetails? OfGoogle(IReadOnlyDictionary<string, object?> metadata)
    {
        var (prompt, candidates) = (Count(metadata, "PromptTokenCount"), Count(metadata, "CandidatesTokenCount"));
        var thoughts = Count(metadata, "ThoughtsTokenCount") ?? 0;
        var total = Count(metadata, "TotalTokenCount");
        if ((prompt is null && candidates is null) || (prompt is null or 0 && candidates is null or 0 && total is null or 0))
        {
            return null;
        }

        return new UsageDetails
        {
            InputTokenCount = prompt,
            OutputTokenCount = (candidates ?? 0) + thoughts,
            ReasoningTokenCount = thoughts,
            CachedInputTokenCount = Count(metadata, "CachedContentTokenCount"),
            TotalTokenCount = total,
        };
    }

    private static long? Count(IReadOnlyDictionary<string, object?> metadata, string name) => metadata.TryGetValue(name, out var value) ? RawProperties.AsCount(value) : null;
}
