using LlmCostCache.AI.Cli.Pricing;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>What a row says that the call used.</summary>
internal static class RowUsage
{
    /// <param name="fields">The row.</param>
    /// <param name="status">Only a call that was answered is a request when the row counts none.</param>
    public static TokenUsage Read(CheckedFields fields, CallStatus status)
    {
        var inclusive = new InclusiveUsage
        {
            Input = fields.Count("input_tokens") ?? 0,
            CachedInput = fields.Count("cached_input_tokens") ?? 0,
            CacheWrite5m = fields.Count("cache_write_5m_tokens") ?? 0,
            CacheWrite1h = fields.Count("cache_write_1h_tokens") ?? 0,
            Output = fields.Count("output_tokens") ?? 0,
            Reasoning = fields.Count("reasoning_tokens") ?? 0,
            InputAudio = fields.Count("input_audio_tokens") ?? 0,
            CachedAudio = fields.Count("cached_audio_tokens") ?? 0,
            OutputAudio = fields.Count("output_audio_tokens") ?? 0,
            InputImage = fields.Count("input_image_tokens") ?? 0,
            OutputImage = fields.Count("output_image_tokens") ?? 0,
            CachedImage = fields.Count("cached_image_tokens") ?? 0,
            InputVideo = fields.Count("input_video_tokens") ?? 0,
            OutputVideo = fields.Count("output_video_tokens") ?? 0,
            Citation = fields.Count("citation_tokens") ?? 0,
            WebSearches = fields.Count("web_searches") ?? 0,
            Images = fields.Count("images") ?? 0,
            AudioMilliseconds = fields.Count("milliseconds") ?? fields.Parts("audio_seconds", 1_000) ?? 0,
            VideoMilliseconds = fields.Count("video_milliseconds") ?? fields.Parts("video_seconds", 1_000) ?? 0,
            ComputeMilliseconds = fields.Count("compute_milliseconds") ?? fields.Parts("compute_seconds", 1_000) ?? 0,
            Characters = fields.Count("characters") ?? 0,
            StorageByteHours = fields.Count("storage_byte_hours") ?? fields.Parts("storage_gb_days", 24_000_000_000) ?? 0,
            Requests = fields.Count("requests") ?? (status is CallStatus.Ok or CallStatus.Incomplete or CallStatus.Assumed ? 1 : 0),
        };
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
    }
}
