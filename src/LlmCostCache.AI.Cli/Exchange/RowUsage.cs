using LlmCostCache.AI.Cli.Pricing;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>What a row says that the call used.</summary>
internal static class RowUsage
{
    /// <param name="fields">The row.</param>
    /// <param name="status">Only a call that was answered is a request when the row counts none.</param>
    /// <param name="isCounted">Whether the row counts anything, be it that there was nothing.</param>
    public static TokenUsage Read(CheckedFields fields, CallStatus status, out bool isCounted)
    {
        var says = false;
        var inclusive = new InclusiveUsage
        {
            Input = Count("input_tokens"),
            CachedInput = Count("cached_input_tokens"),
            CacheWrite5m = Count("cache_write_5m_tokens"),
            CacheWrite1h = Count("cache_write_1h_tokens"),
            Output = Count("output_tokens"),
            Reasoning = Count("reasoning_tokens"),
            InputAudio = Count("input_audio_tokens"),
            CachedAudio = Count("cached_audio_tokens"),
            OutputAudio = Count("output_audio_tokens"),
            InputImage = Count("input_image_tokens"),
            OutputImage = Count("output_image_tokens"),
            CachedImage = Count("cached_image_tokens"),
            InputVideo = Count("input_video_tokens"),
            OutputVideo = Count("output_video_tokens"),
            Citation = Count("citation_tokens"),
            WebSearches = Count("web_searches"),
            Images = Count("images"),
            AudioMilliseconds = Said(fields.Count("milliseconds") ?? fields.Parts("audio_seconds", 1_000)),
            VideoMilliseconds = Said(fields.Count("video_milliseconds") ?? fields.Parts("video_seconds", 1_000)),
            ComputeMilliseconds = Said(fields.Count("compute_milliseconds") ?? fields.Parts("compute_seconds", 1_000)),
            Characters = Count("characters"),
            StorageByteHours = Said(fields.Count("storage_byte_hours") ?? fields.Parts("storage_gb_days", 24_000_000_000)),
            Requests = Count("requests", status is CallStatus.Ok or CallStatus.Incomplete or CallStatus.Assumed ? 1 : 0),
        };
        isCounted = says;
        if (fields.Wrong is not null)
        {
            return TokenUsage.None;
        }

        var usage = inclusive.ToBuckets(out var contradicts);
        if (contradicts)
        {
            fields.Refuse("a part of the tokens is more than their whole (input_tokens contains cached, written, audio and image tokens; output_tokens contains reasoning)");
        }
        else if (TokenBuckets.ArePossible(usage) && fields.Count("total_tokens") is { } total && total != usage.TotalTokens)
        {
            fields.Refuse($"\"total_tokens\" is {total}, and input and output make {usage.TotalTokens}");
        }

        return usage;

        long Count(string name, long otherwise = 0) => Said(fields.Count(name), otherwise);

        long Said(long? count, long otherwise = 0)
        {
            says |= count is not null;
            return count ?? otherwise;
        }
    }
}
