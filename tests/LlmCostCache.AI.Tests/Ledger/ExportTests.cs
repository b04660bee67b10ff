using System.Text;

namespace LlmCostCache.AI.Tests;

public class ExportTests
{
    [Fact]
    public async Task A_line_of_JSON_carries_every_field_with_inclusive_counts()
    {
        var lines = await ExportAsync(LedgerExportFormat.Jsonl, Full);

        Assert.Equal(
            """
            {"id":"r-1","call_id":"c-1","attempt":2,"at":"2026-08-22T12:00:00.25Z","provider":"deepseek","requested_model":"chat","model":"chat-2026","operation":"chat","status":"incomplete","certainty":"bounded","cost_nanos":30,"cost_low_nanos":10,"cost_high_nanos":30,"saved_nanos":0,"currency":"CNY","native_cost":"0.72","fx_rate":"7.1","fx_date":"2026-08-21","cache_layer":"none","input_tokens":1111111111,"cached_input_tokens":10100010,"cache_write_5m_tokens":100,"cache_write_1h_tokens":1000,"output_tokens":22222,"reasoning_tokens":20,"input_audio_tokens":110000,"cached_audio_tokens":100000,"output_audio_tokens":200,"input_image_tokens":11000000,"output_image_tokens":2000,"requests":1,"web_searches":2,"milliseconds":3,"characters":4,"cached_image_tokens":10000000,"input_video_tokens":100000000,"output_video_tokens":20000,"citation_tokens":1000000000,"images":5,"video_milliseconds":6,"compute_milliseconds":7,"storage_byte_hours":8,"latency_ms":1500,"first_chunk_ms":20,"streamed":true,"user":"u","team":"t","project":"p","feature":"f","session":"s","agent":"a","tenant":"o","tags":["x","y"],"trace_id":"0af7","span_id":"b7ad","price_revision":"rev","usage_source":"estimate","response_id":"resp","service_tier":"flex","region":"us","finish_reason":"length","error":"TimeoutException","flags":"clamped","reason":"cut"}

            """,
            lines);
    }

    [Fact]
    public async Task An_unknown_cost_is_null_and_never_zero()
    {
        var line = await ExportAsync(LedgerExportFormat.Jsonl, Full with { Cost = CallCost.Unpriced("no price") });

        Assert.Contains("\"certainty\":\"unknown\",\"cost_nanos\":null,\"cost_low_nanos\":null,\"cost_high_nanos\":null,", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CSV_has_a_header_quotes_what_must_be_quoted_and_joins_tags()
    {
        var lines = (await ExportAsync(LedgerExportFormat.Csv, Full with { Attribution = Full.Attribution with { User = "O\"Hara, Ann" } })).Split("\r\n");

        Assert.Equal(3, lines.Length);
        Assert.StartsWith("id,call_id,attempt,at,provider,requested_model,model,operation,status,certainty,cost_nanos,", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("r-1,c-1,2,2026-08-22T12:00:00.25Z,deepseek,chat,chat-2026,chat,incomplete,bounded,30,10,30,0,CNY,0.72,7.1,2026-08-21,none,1111111111,", lines[1], StringComparison.Ordinal);
        Assert.Contains(",true,\"O\"\"Hara, Ann\",t,p,f,s,a,o,x;y,0af7,", lines[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("=cmd|'/c calc'!A1")]
    [InlineData("+1")]
    [InlineData("-1")]
    [InlineData("@SUM(A1)")]
    [InlineData("\tx")]
    public async Task A_name_that_looks_like_a_formula_is_made_harmless_in_CSV(string name)
    {
        var csv = await ExportAsync(LedgerExportFormat.Csv, Full with { Attribution = new Attribution { User = name, Tags = [name] } });

        Assert.Contains($",'{name},", csv, StringComparison.Ordinal);
        Assert.DoesNotContain($",{name}", csv, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_pages_are_exported_once_each_and_a_text_writer_gets_the_same()
    {
        await using var home = new LedgerHome(fast: true);
        var store = home.Open();
        await Task.WhenAll(Enumerable.Range(0, 3_000).Select(i => store.AppendAsync(home.Row($"row-{i}", i, new Attribution { User = "Zoë" })).AsTask()));
        var ledger = new Ledger(store);
        using var stream = new MemoryStream();
        await using var text = new StringWriter();

        Assert.Equal(3_000, await ledger.ExportAsync(stream, LedgerExportFormat.Jsonl));
        Assert.Equal(3_000, await ledger.ExportAsync(text, LedgerExportFormat.Jsonl));

        Assert.Equal(Encoding.UTF8.GetString(stream.ToArray()), text.ToString());
        Assert.Equal(3_000, text.ToString().Split('\n')[..^1].Select(line => System.Text.Json.JsonDocument.Parse(line).RootElement.GetProperty("id").GetString()).Distinct().Count());
    }

    [Fact]
    public async Task What_is_read_back_is_what_was_written()
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.AppendAsync(Full);

        Assert.Equal(Full, Assert.Single(await store.ReadAsync(LedgerFilter.All).ToListAsync()));
    }

    private static UsageRecord Full { get; } = new()
    {
        Id = "r-1",
        CallId = "c-1",
        Attempt = 2,
        At = LedgerHome.Noon.AddMilliseconds(250),
        Provider = "deepseek",
        RequestedModel = "chat",
        Model = "chat-2026",
        ModelKey = "key",
        Status = CallStatus.Incomplete,
        Cost = CallCost.Between(Money.FromNanos(10), Money.FromNanos(30), "cut") with
        {
            PriceRevision = "rev",
            Usage = new TokenUsage
            {
                UncachedInputTokens = 1,
                CachedInputTokens = 10,
                CacheWrite5mTokens = 100,
                CacheWrite1hTokens = 1_000,
                InputAudioTokens = 10_000,
                CachedAudioTokens = 100_000,
                InputImageTokens = 1_000_000,
                OutputTokens = 2,
                ReasoningTokens = 20,
                OutputAudioTokens = 200,
                OutputImageTokens = 2_000,
                Requests = 1,
                WebSearches = 2,
                Milliseconds = 3,
                Characters = 4,
                CachedImageTokens = 10_000_000,
                InputVideoTokens = 100_000_000,
                OutputVideoTokens = 20_000,
                CitationTokens = 1_000_000_000,
                Images = 5,
                VideoMilliseconds = 6,
                ComputeMilliseconds = 7,
                StorageByteHours = 8,
            },
        },
        Currency = "CNY",
        NativeCost = 0.72m,
        FxRate = 7.1m,
        FxDate = new DateOnly(2026, 8, 21),
        UsageSource = "estimate",
        Flags = "clamped",
        ServiceTier = "flex",
        Region = "us",
        FinishReason = "length",
        Error = "TimeoutException",
        Latency = TimeSpan.FromSeconds(1.5),
        TimeToFirstChunk = TimeSpan.FromMilliseconds(20),
        Streamed = true,
        Attribution = new Attribution { User = "u", Team = "t", Project = "p", Feature = "f", Session = "s", Agent = "a", Tenant = "o", Tags = ["x", "y"] },
        TraceId = "0af7",
        SpanId = "b7ad",
        ResponseId = "resp",
    };

    private static async Task<string> ExportAsync(LedgerExportFormat format, UsageRecord record)
    {
        await using var home = new LedgerHome();
        var store = home.Open();
        await store.AppendAsync(record);
        await using var text = new StringWriter();
        await new Ledger(store).ExportAsync(text, format);
        return text.ToString();
    }
}
