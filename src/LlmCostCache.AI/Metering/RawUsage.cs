using System.Collections;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Usage as providers' own objects have it, and what of it an adapter's usage lacks.</summary>
internal static class RawUsage
{
    /// <summary>A copy of an adapter's usage with what the adapter left out; the very same usage when that is nothing.</summary>
    public static UsageDetails Completed(UsageDetails usage, RawFacts facts)
    {
        if (facts.Usage is not { } raw)
        {
            return facts.Beside is null ? usage : Sum(usage, facts.Beside);
        }

        UsageDetails? copy = null;
        foreach (var (name, count) in raw.AdditionalCounts ?? [])
        {
            if (count > 0 && usage.AdditionalCounts?.ContainsKey(name) != true)
            {
                Add(copy ??= StreamUsage.Copy(usage), name, count);
            }
        }

        // DeepSeek's hits and LiteLLM's reads stand where the adapter does not look.
        if (usage.CachedInputTokenCount is null or 0 && raw.CachedInputTokenCount > 0 && !Has(usage, UsageNames.CacheRead))
        {
            (copy ??= StreamUsage.Copy(usage)).CachedInputTokenCount = raw.CachedInputTokenCount;
        }

        if (usage.ReasoningTokenCount is null or 0 && raw.ReasoningTokenCount > 0)
        {
            (copy ??= StreamUsage.Copy(usage)).ReasoningTokenCount = raw.ReasoningTokenCount;
        }

        return facts.Beside is null ? copy ?? usage : Sum(copy ?? usage, facts.Beside);
    }

    /// <summary>Adds to one of the counts that have no property.</summary>
    public static void Add(UsageDetails usage, string name, long? count)
    {
        if (count is > 0)
        {
            var counts = usage.AdditionalCounts ??= [];
            counts[name] = counts.TryGetValue(name, out var before) ? Sum(before, count.Value) : count.Value;
        }
    }

    /// <summary>
    /// What can be read of an answer by the names of properties: Anthropic's community SDK, Bedrock, and whoever writes alike. Null when it holds no usage.
    /// </summary>
    public static RawFacts? OfProperties(object raw)
    {
        var inner = RawProperties.Get(raw, "Value") ?? raw;
        var holder = RawProperties.Get(inner, "Response") ?? RawProperties.Get(inner, "Message") ?? inner;
        var usage = RawProperties.Get(holder, "Usage");

        // Bedrock wraps the name of the tier.
        var tier = RawProperties.Get(holder, "ServiceTier") ?? RawProperties.Get(usage, "ServiceTier");
        var tierName = RawProperties.Text(RawProperties.Get(tier, "Type") ?? tier);
        if (usage is null)
        {
            return tierName is null ? null : new() { ServiceTier = tierName, IsRead = true };
        }

        return new() { ServiceTier = tierName, Usage = OfCounts(usage), IsRead = true };
    }

    /// <summary>A usage object by the names of its properties; null when it has none that is known.</summary>
    /// <remarks>OpenAI and Azure: InputTokenCount; Mistral and Azure AI Inference: PromptTokens; Anthropic and Bedrock: InputTokens.</remarks>
    public static UsageDetails? OfCounts(object reported)
    {
        var usage = new UsageDetails
        {
            InputTokenCount = RawProperties.Count(reported, "InputTokenCount", "PromptTokens", "InputTokens", "PromptEvalCount"),
            OutputTokenCount = RawProperties.Count(reported, "OutputTokenCount", "CompletionTokens", "OutputTokens", "EvalCount"),
            TotalTokenCount = RawProperties.Count(reported, "TotalTokenCount", "TotalTokens"),
        };
        if (usage.InputTokenCount is null && usage.OutputTokenCount is null)
        {
            return null;
        }

        if ((RawProperties.Get(reported, "InputTokenDetails") ?? RawProperties.Get(reported, "PromptTokensDetails")) is { } input)
        {
            usage.CachedInputTokenCount = RawProperties.Count(input, "CachedTokenCount", "CachedTokens");
            Add(usage, UsageNames.InputAudio, RawProperties.Count(input, "AudioTokenCount", "AudioTokens"));
        }

        if ((RawProperties.Get(reported, "OutputTokenDetails") ?? RawProperties.Get(reported, "CompletionTokensDetails")) is { } output)
        {
            usage.ReasoningTokenCount = RawProperties.Count(output, "ReasoningTokenCount", "ReasoningTokens");
            Add(usage, UsageNames.OutputAudio, RawProperties.Count(output, "AudioTokenCount", "AudioTokens"));
        }

        // Anthropic and Bedrock count what was read from and written to the cache beside the input.
        var read = RawProperties.Count(reported, "CacheReadInputTokens");
        var written = RawProperties.Count(reported, "CacheWriteInputTokens", "CacheCreationInputTokens");
        if (read is > 0 || written is > 0)
        {
            usage.InputTokenCount = Sum(usage.InputTokenCount ?? 0, read ?? 0, written ?? 0);
            usage.CachedInputTokenCount = read ?? 0;
            Add(usage, UsageNames.CacheCreation, written);
        }

        Add(usage, UsageNames.CacheWrite1h, RawProperties.Count(RawProperties.Get(reported, "CacheCreation"), UsageNames.CacheWrite1h) ?? WrittenForAnHour(reported));
        Add(usage, UsageNames.WebSearches, RawProperties.Count(RawProperties.Get(reported, "ServerToolUse"), "WebSearchRequests"));
        return usage;
    }

    /// <summary>Adds up two usages; counts that one of them lacks are the other's.</summary>
    public static UsageDetails Sum(UsageDetails left, UsageDetails right)
    {
        var sum = StreamUsage.Copy(left);
        sum.InputTokenCount = Both(left.InputTokenCount, right.InputTokenCount);
        sum.OutputTokenCount = Both(left.OutputTokenCount, right.OutputTokenCount);
        sum.TotalTokenCount = left.TotalTokenCount is { } total ? Sum(total, right.InputTokenCount ?? 0, right.OutputTokenCount ?? 0) : null;
        sum.CachedInputTokenCount = Both(left.CachedInputTokenCount, right.CachedInputTokenCount);
        sum.ReasoningTokenCount = Both(left.ReasoningTokenCount, right.ReasoningTokenCount);
        foreach (var (name, count) in right.AdditionalCounts ?? [])
        {
            Add(sum, name, count);
        }

        return sum;
    }

    // Bedrock lists its writes by how long they last.
    private static long? WrittenForAnHour(object reported)
    {
        if (RawProperties.Get(reported, "CacheDetails") is not IEnumerable details)
        {
            return null;
        }

        long tokens = 0;
        foreach (var detail in details)
        {
            var ttl = RawProperties.Get(detail, "Ttl");
            if (RawProperties.Text(RawProperties.Get(ttl, "Value") ?? ttl) == "1h")
            {
                tokens = Sum(tokens, RawProperties.Count(detail, "InputTokens") ?? 0);
            }
        }

        return tokens;
    }

    private static bool Has(UsageDetails usage, string name) => usage.AdditionalCounts?.ContainsKey(name) == true;

    private static long? Both(long? left, long? right) => left is null ? right : right is null ? left : Sum(left.Value, right.Value);

    /// <summary>Adds up counts; what does not fit is a count that nobody believes anyway.</summary>
    public static long Sum(params ReadOnlySpan<long> counts)
    {
        long sum = 0;
        foreach (var count in counts)
        {
            sum = count > 0 && sum > long.MaxValue / 4 - count ? long.MaxValue / 4 : sum + count;
        }

        return sum;
    }
}
