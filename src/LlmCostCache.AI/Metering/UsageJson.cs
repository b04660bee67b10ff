using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>
/// Reads usage as providers write it. One reader for all dialects, because gateways mix them: OpenAI's names with Anthropic's cache counts (LiteLLM),
/// with hits and misses (DeepSeek), with citations (Perplexity), with a cost (OpenRouter).
/// </summary>
internal static class UsageJson
{
    /// <summary>Reads a whole answer, or a piece of a stream: the usage is at the top, in the response or message that the piece holds, or where Groq puts it.</summary>
    public static RawFacts OfAnswer(JsonElement answer)
    {
        if (answer.ValueKind != JsonValueKind.Object)
        {
            return RawFacts.Unread;
        }

        var holder = Object(answer, "response") ?? Object(answer, "message") ?? answer;
        var usage = Object(holder, "usage") ?? (Object(holder, "x_groq") is { } groq ? Object(groq, "usage") : null);

        // A usage that travels alone, as Semantic Kernel's connectors hand it on, is at the top itself.
        usage ??= holder.TryGetProperty("prompt_tokens", out _) || holder.TryGetProperty("input_tokens", out _) ? holder : null;
        var facts = usage is { } found ? Read(found) : new RawFacts { IsRead = true };
        return facts.WithSearches(SearchesOf(holder)) with
        {
            ServiceTier = Text(holder, "service_tier") ?? facts.ServiceTier,
            FinishReason = Text(Object(holder, "incomplete_details"), "reason") is { } reason ? reason == "max_output_tokens" ? "length" : reason : null,
            IsFinal = Text(holder, "status") is "completed" or "incomplete" or "failed" or "cancelled",
        };
    }

    /// <summary>Whether an item of a response is a search that OpenAI bills by itself; opening a page and looking for words on it are not.</summary>
    public static bool IsBilledSearch(JsonElement item) =>
        Text(item, "type") == "web_search_call" && Text(Object(item, "action"), "type") is not ("open_page" or "find" or "find_in_page");

    private static long SearchesOf(JsonElement response) =>
        response.TryGetProperty("output", out var output) && output.ValueKind == JsonValueKind.Array ? output.EnumerateArray().LongCount(IsBilledSearch) : 0;

    /// <summary>Reads a usage object.</summary>
    public static RawFacts Read(JsonElement usage)
    {
        if (usage.ValueKind != JsonValueKind.Object)
        {
            return RawFacts.None;
        }

        var tier = Text(usage, "service_tier");
        return new()
        {
            // Anthropic's fast mode is no tier of theirs, but has a price like one.
            ServiceTier = Text(usage, "speed") == "fast" ? "fast" : tier,
            Region = Text(usage, "inference_geo") is { } geo and not ("global" or "not_available") ? geo : null,
            Usage = CountsOf(usage),
            Beside = CompactionOf(usage),
            Cost = ProviderCost.Of(usage),
            IsRead = true,
        };
    }

    private static UsageDetails CountsOf(JsonElement usage)
    {
        // OpenRouter's own count of tokens is of another tokenizer than the model's where it says so.
        var details = new UsageDetails
        {
            InputTokenCount = Count(usage, "native_tokens_prompt") ?? Count(usage, "prompt_tokens") ?? Count(usage, "input_tokens"),
            OutputTokenCount = Count(usage, "native_tokens_completion") ?? Count(usage, "completion_tokens") ?? Count(usage, "output_tokens"),
            TotalTokenCount = Count(usage, "total_tokens"),
        };
        var input = Object(usage, "prompt_tokens_details") ?? Object(usage, "input_tokens_details");
        var output = Object(usage, "completion_tokens_details") ?? Object(usage, "output_tokens_details");
        var read = Count(usage, "cache_read_input_tokens");
        var written = Count(usage, "cache_creation_input_tokens");
        if (read is not null || written is not null)
        {
            ReadOfAnthropic(details, usage, read ?? 0, written ?? 0);
        }

        details.CachedInputTokenCount = Positive(Count(usage, "native_tokens_cached")) ?? Positive(Count(input, "cached_tokens")) ?? Positive(Count(usage, "prompt_cache_hit_tokens"))
            ?? Positive(Count(usage, "cached_tokens")) ?? details.CachedInputTokenCount ?? Count(input, "cached_tokens");
        details.ReasoningTokenCount = Count(usage, "native_tokens_reasoning") ?? Count(output, "reasoning_tokens") ?? Count(output, "thinking_tokens");
        if (written is null)
        {
            RawUsage.Add(details, UsageNames.CacheWrite, Count(input, "cache_write_tokens") ?? Count(input, "cache_creation_tokens"));
        }

        var lifetimes = Object(usage, "cache_creation") ?? Object(input, "cache_creation_token_details");
        RawUsage.Add(details, UsageNames.CacheWrite1h, Count(lifetimes, "ephemeral_1h_input_tokens"));
        RawUsage.Add(details, UsageNames.InputAudio, Count(input, "audio_tokens"));
        RawUsage.Add(details, UsageNames.InputImage, Count(input, "image_tokens"));
        RawUsage.Add(details, UsageNames.InputVideo, Count(input, "video_tokens"));
        var cached = Object(input, "cached_tokens_details");
        RawUsage.Add(details, UsageNames.CachedAudio, Count(cached, "audio_tokens"));
        RawUsage.Add(details, UsageNames.CachedImage, Count(cached, "image_tokens"));
        RawUsage.Add(details, UsageNames.OutputAudio, Count(output, "audio_tokens"));
        RawUsage.Add(details, UsageNames.OutputImage, Count(output, "image_tokens"));
        RawUsage.Add(details, UsageNames.OutputVideo, Count(output, "video_tokens"));
        RawUsage.Add(details, UsageNames.WebSearches, Count(Object(usage, "server_tool_use"), "web_search_requests") ?? Count(usage, "num_search_queries"));
        RawUsage.Add(details, UsageNames.Citations, Count(usage, "citation_tokens"));

        // Perplexity's place for it, which its total leaves out.
        RawUsage.Add(details, UsageNames.ReasoningBeside, output is null ? Count(usage, "reasoning_tokens") : null);
        return details;
    }

    // Anthropic counts the cache beside the input and names no total; gateways that name one have counted it in, as OpenAI does.
    private static void ReadOfAnthropic(UsageDetails details, JsonElement usage, long read, long written)
    {
        details.CachedInputTokenCount = read;
        if (details.TotalTokenCount is null || Count(usage, "prompt_tokens") is null || RawUsage.Sum(read, written) > details.InputTokenCount)
        {
            details.InputTokenCount = RawUsage.Sum(Math.Max(0, details.InputTokenCount ?? 0), Math.Max(0, read), Math.Max(0, written));

            // It left the cache out as well, and says nothing any more.
            details.TotalTokenCount = null;
        }

        RawUsage.Add(details, UsageNames.CacheCreation, written);
    }

    // The compaction of a long conversation is a request of its own whose tokens are billed and stand in no other count (Anthropic).
    private static UsageDetails? CompactionOf(JsonElement usage)
    {
        if (!usage.TryGetProperty("iterations", out var iterations) || iterations.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        UsageDetails? sum = null;
        foreach (var iteration in iterations.EnumerateArray())
        {
            if (iteration.ValueKind == JsonValueKind.Object && Text(iteration, "type") == "compaction")
            {
                var counts = CountsOf(iteration);
                sum = sum is null ? counts : RawUsage.Sum(sum, counts);
            }
        }

        return sum;
    }

    private static JsonElement? Object(JsonElement? parent, string name) =>
        parent is { ValueKind: JsonValueKind.Object } element && element.TryGetProperty(name, out var child) && child.ValueKind == JsonValueKind.Object ? child : null;

    private static long? Count(JsonElement? parent, string name) =>
        parent is { ValueKind: JsonValueKind.Object } element && element.TryGetProperty(name, out var count) ? RawProperties.AsCount(count) : null;

    private static long? Positive(long? count) => count is > 0 ? count : null;

    private static string? Text(JsonElement? parent, string name) =>
        parent is { ValueKind: JsonValueKind.Object } element && element.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String ? RawProperties.Text(text.GetString()) : null;
}
