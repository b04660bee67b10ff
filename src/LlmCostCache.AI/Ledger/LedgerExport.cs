using System.Buffers;
using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>The machine-readable face of the ledger: the names, the order and the meaning of every field.</summary>
internal static class LedgerExport
{
    private const int ChunkBytes = 64 * 1024;

    /// <returns>How many rows were written.</returns>
    public static async ValueTask<long> WriteAsync(
        IAsyncEnumerable<UsageRecord> rows, LedgerExportFormat format, Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write, CancellationToken cancellationToken)
    {
        var chunk = new ArrayBufferWriter<byte>(ChunkBytes + 4096);
        using ExportLine line = format switch
        {
            LedgerExportFormat.Jsonl => new JsonExportLine(chunk),
            LedgerExportFormat.Csv => new CsvExportLine(chunk),
            _ => throw new ArgumentOutOfRangeException(nameof(format), format, "An export is JSON lines or CSV."),
        };
        var count = 0L;
        line.Header(() => Write(line, s_headerRow));
        await foreach (var row in rows.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            Write(line, row);
            line.End();
            count++;
            if (chunk.WrittenCount >= ChunkBytes)
            {
                await write(chunk.WrittenMemory, cancellationToken).ConfigureAwait(false);
                chunk.ResetWrittenCount();
            }
        }

        await write(chunk.WrittenMemory, cancellationToken).ConfigureAwait(false);
        return count;
    }

    private static readonly UsageRecord s_headerRow = new() { Id = "", At = DateTimeOffset.UnixEpoch };

    /// <summary>Token counts are inclusive, as providers report them: the input contains cached, written, audio and image tokens, cached input contains cached audio, and so on.</summary>
    internal static void Write(ExportLine line, UsageRecord row)
    {
        var (cost, usage, who) = (row.Cost, row.Cost.Usage, row.Attribution);
        var known = cost.Certainty != CostCertainty.Unknown;
        line.Text("id", row.Id);
        line.Text("call_id", row.CallId ?? row.Id);
        line.Number("attempt", row.Attempt);
        line.Instant("at", row.At);
        line.Text("provider", row.Provider);
        line.Text("requested_model", row.RequestedModel);
        line.Text("model", row.Model);
        line.Text("operation", row.Operation);
        line.Text("status", LedgerWords.Word(row.Status));
        line.Text("certainty", LedgerWords.Word(cost.Certainty));
        line.Number("cost_nanos", cost.Amount?.Nanos);
        line.Number("cost_low_nanos", known ? cost.Low.Nanos : null);
        line.Number("cost_high_nanos", known ? cost.High.Nanos : null);
        line.Number("saved_nanos", cost.Saved.Nanos);
        line.Text("currency", row.Currency);
        line.Decimal("native_cost", row.NativeCost);
        line.Decimal("fx_rate", row.FxRate);
        line.Text("fx_date", row.FxDate?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        line.Text("cache_layer", LedgerWords.Word(cost.CacheLayer));
        line.Number("input_tokens", usage.TotalInputTokens);
        line.Number("cached_input_tokens", checked(usage.CachedInputTokens + usage.CachedAudioTokens + usage.CachedImageTokens));
        line.Number("cache_write_5m_tokens", usage.CacheWrite5mTokens);
        line.Number("cache_write_1h_tokens", usage.CacheWrite1hTokens);
        line.Number("output_tokens", usage.TotalOutputTokens);
        line.Number("reasoning_tokens", usage.ReasoningTokens);
        line.Number("input_audio_tokens", checked(usage.InputAudioTokens + usage.CachedAudioTokens));
        line.Number("cached_audio_tokens", usage.CachedAudioTokens);
        line.Number("output_audio_tokens", usage.OutputAudioTokens);
        line.Number("input_image_tokens", checked(usage.InputImageTokens + usage.CachedImageTokens));
        line.Number("output_image_tokens", usage.OutputImageTokens);
        line.Number("requests", usage.Requests);
        line.Number("web_searches", usage.WebSearches);
        line.Number("milliseconds", usage.Milliseconds);
        line.Number("characters", usage.Characters);
        line.Number("cached_image_tokens", usage.CachedImageTokens);
        line.Number("input_video_tokens", usage.InputVideoTokens);
        line.Number("output_video_tokens", usage.OutputVideoTokens);
        line.Number("citation_tokens", usage.CitationTokens);
        line.Number("images", usage.Images);
        line.Number("video_milliseconds", usage.VideoMilliseconds);
        line.Number("compute_milliseconds", usage.ComputeMilliseconds);
        line.Number("storage_byte_hours", usage.StorageByteHours);
        line.Number("latency_ms", row.Latency.Ticks / TimeSpan.TicksPerMillisecond);
        line.Number("first_chunk_ms", row.TimeToFirstChunk?.Ticks / TimeSpan.TicksPerMillisecond);
        line.Flag("streamed", row.Streamed);
        line.Text("user", who.User);
        line.Text("team", who.Team);
        line.Text("project", who.Project);
        line.Text("feature", who.Feature);
        line.Text("session", who.Session);
        line.Text("agent", who.Agent);
        line.Text("tenant", who.Tenant);
        line.Tags("tags", who.Tags);
        line.Text("trace_id", row.TraceId);
        line.Text("span_id", row.SpanId);
        line.Text("price_revision", cost.PriceRevision);
        line.Text("usage_source", row.UsageSource);
        line.Text("response_id", row.ResponseId);
        line.Text("service_tier", row.ServiceTier);
        line.Text("region", row.Region);
        line.Text("finish_reason", row.FinishReason);
        line.Text("error", row.Error);
        line.Text("flags", row.Flags);
        line.Text("reason", cost.Reason);
    }
}
