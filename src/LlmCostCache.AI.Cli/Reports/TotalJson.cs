using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;

namespace LlmCostCache.AI.Cli.Reports;

/// <summary>The fields of a total as machines read them.</summary>
internal static class TotalJson
{
    public static void WriteFields(Utf8JsonWriter json, LedgerTotal total)
    {
        json.WriteString("spent_usd", Decimals.Text(total.Spent));
        json.WriteNumber("spent_nanos", total.Spent.Nanos);
        json.WriteNumber("low_nanos", total.Low.Nanos);
        json.WriteNumber("high_nanos", total.High.Nanos);
        json.WriteString("saved_usd", Decimals.Text(total.Saved));
        json.WriteNumber("saved_nanos", total.Saved.Nanos);
        json.WriteNumber("calls", total.Calls);
        json.WriteNumber("hits", total.Hits);
        if (Amounts.HitRate(total) is { } rate)
        {
            json.WriteNumber("hit_rate", rate);
        }
        else
        {
            json.WriteNull("hit_rate");
        }

        json.WriteNumber("blocked", total.Blocked);
        json.WriteNumber("failed", total.Failed);
        json.WriteNumber("unpriced", total.Unpriced);
        json.WriteNumber("input_tokens", total.Usage.TotalInputTokens);
        json.WriteNumber("cached_input_tokens", CachedInput(total.Usage));
        json.WriteNumber("cache_write_tokens", CacheWrites(total.Usage));
        json.WriteNumber("output_tokens", total.Usage.TotalOutputTokens);
        json.WriteNumber("reasoning_tokens", total.Usage.ReasoningTokens);
        json.WriteNumber("total_tokens", total.Usage.TotalTokens);
    }

    public static long CachedInput(TokenUsage usage) => usage.CachedInputTokens + usage.CachedAudioTokens + usage.CachedImageTokens;

    public static long CacheWrites(TokenUsage usage) => usage.CacheWrite5mTokens + usage.CacheWrite1hTokens;

    public static void WriteInstant(Utf8JsonWriter json, string name, DateTimeOffset? instant)
    {
        if (instant is { } at && at > DateTimeOffset.MinValue && at < DateTimeOffset.MaxValue)
        {
            json.WriteString(name, at.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture));
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
