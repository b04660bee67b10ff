using System.Collections.Frozen;

namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>What the fields of a row are called.</summary>
internal static class RowVocabulary
{
    private static readonly string[] s_texts =
    [
        "id", "call_id", "at", "provider", "requested_model", "model", "operation", "status", "certainty", "currency", "fx_date", "cache_layer", "user", "team", "project",
        "feature", "session", "agent", "tenant", "trace_id", "span_id", "price_revision", "usage_source", "response_id", "service_tier", "region", "finish_reason", "error",
        "flags", "reason",
    ];

    private static readonly string[] s_counts =
    [
        "input_tokens", "cached_input_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens", "reasoning_tokens", "input_audio_tokens", "cached_audio_tokens",
        "output_audio_tokens", "input_image_tokens", "output_image_tokens", "requests", "web_searches", "milliseconds", "characters", "cached_image_tokens", "input_video_tokens",
        "output_video_tokens", "citation_tokens", "images", "video_milliseconds", "compute_milliseconds", "storage_byte_hours", "total_tokens",
    ];

    private static readonly string[] s_others =
    [
        "attempt", "cost_nanos", "cost_usd", "cost_low_nanos", "cost_high_nanos", "saved_nanos", "saved_usd", "native_cost", "fx_rate", "latency_ms", "first_chunk_ms", "streamed",
        "audio_seconds", "video_seconds", "compute_seconds", "storage_gb_days",
    ];

    /// <summary>What other programs call our fields.</summary>
    private static readonly Dictionary<string, string> s_aliases = new(StringComparer.Ordinal)
    {
        ["input_tokens"] = "prompt_tokens",
        ["output_tokens"] = "completion_tokens",
        ["cached_input_tokens"] = "cached_tokens",
        ["at"] = "timestamp",
        ["cost_usd"] = "cost",
    };

    private static readonly FrozenSet<string> s_known = s_texts.Concat(s_counts).Concat(s_others).Concat(s_aliases.Values).ToFrozenSet(StringComparer.Ordinal);

    public static bool Knows(string name) => s_known.Contains(name);

    /// <summary>What other programs call one of our fields; null when that is not known.</summary>
    public static string? AliasOf(string name) => s_aliases.GetValueOrDefault(name);
}
