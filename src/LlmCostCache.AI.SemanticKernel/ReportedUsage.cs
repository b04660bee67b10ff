using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Reads what services report beside an answer. Connectors use types of their own, under the same few names.</summary>
internal static class ReportedUsage
{
    private static readonly ConcurrentDictionary<(Type Type, string Name), PropertyInfo?> s_properties = new();

    /// <summary>Null when nothing was reported.</summary>
    /// <param name="metadata">The metadata of an answer or a piece of one.</param>
    /// <param name="isConnectors">Whether a connector reported it, which no chat client of ours can be inside of.</param>
    public static UsageDetails? Of(IReadOnlyDictionary<string, object?>? metadata, out bool isConnectors)
    {
        isConnectors = false;
        if (metadata is null)
        {
            return null;
        }

        if (metadata.TryGetValue("Usage", out var reported) && reported is not null)
        {
            switch (reported)
            {
                case UsageDetails details:
                    return UsageNormalizer.IsReported(details) ? details : null;
                case UsageContent content:
                    return UsageNormalizer.IsReported(content.Details) ? content.Details : null;
                default:
                    isConnectors = true;
                    return OfConnector(reported);
            }
        }

        var google = OfGoogle(metadata);
        isConnectors = google is not null;
        return google;
    }

    // OpenAI and Azure: ChatTokenUsage; Mistral and Azure AI Inference: PromptTokens and CompletionTokens; Bedrock: InputTokens and OutputTokens.
    private static UsageDetails? OfConnector(object reported)
    {
        var usage = new UsageDetails
        {
            InputTokenCount = Count(reported, "InputTokenCount", "PromptTokens", "InputTokens"),
            OutputTokenCount = Count(reported, "OutputTokenCount", "CompletionTokens", "OutputTokens"),
            TotalTokenCount = Count(reported, "TotalTokenCount", "TotalTokens"),
        };
        if (Value(reported, "InputTokenDetails") is { } input)
        {
            usage.CachedInputTokenCount = Count(input, "CachedTokenCount");
            Add(usage, "InputTokenDetails.AudioTokenCount", Count(input, "AudioTokenCount"));
        }

        if (Value(reported, "OutputTokenDetails") is { } output)
        {
            usage.ReasoningTokenCount = Count(output, "ReasoningTokenCount");
            Add(usage, "OutputTokenDetails.AudioTokenCount", Count(output, "AudioTokenCount"));
        }

        // Bedrock counts what was read from and written to its cache beside the input.
        var (read, written) = (Count(reported, "CacheReadInputTokens"), Count(reported, "CacheWriteInputTokens"));
        if (read is > 0 || written is > 0)
        {
            usage.InputTokenCount = (usage.InputTokenCount ?? 0) + (read ?? 0) + (written ?? 0);
            usage.CachedInputTokenCount = read ?? 0;
            Add(usage, "cache_write_tokens", written);
        }

        return UsageNormalizer.IsReported(usage) ? usage : null;
    }

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

    private static void Add(UsageDetails usage, string name, long? count)
    {
        if (count is { } value)
        {
            (usage.AdditionalCounts ??= [])[name] = value;
        }
    }

    private static long? Count(IReadOnlyDictionary<string, object?> metadata, string name) => metadata.TryGetValue(name, out var value) ? AsCount(value) : null;

    private static long? Count(object reported, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (AsCount(Value(reported, name)) is { } count)
            {
                return count;
            }
        }

        return null;
    }

    private static long? AsCount(object? value) => value switch
    {
        int count => count,
        long count => count,
        JsonElement { ValueKind: JsonValueKind.Number } element when element.TryGetInt64(out var count) => count,
        _ => null,
    };

    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "What was trimmed away reads as not reported; the cost is then bounded.")]
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "What was trimmed away reads as not reported; the cost is then bounded.")]
    private static object? Value(object instance, string name)
    {
        var property = s_properties.GetOrAdd((instance.GetType(), name), static key =>
            key.Type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .FirstOrDefault(p => p.Name == key.Name && p.CanRead && p.GetIndexParameters().Length == 0));
        try
        {
            return property?.GetValue(instance);
        }
        catch (TargetInvocationException)
        {
            return null;
        }
    }
}
