using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace LlmCostCache.AI.Tests;

/// <summary>What a collector receives from the real SDK and exporter after one line of registration.</summary>
public sealed class OtlpExportTests : IAsyncLifetime, IDisposable
{
    private readonly TestMeterFactory _factory = new();
    private OtlpReceiver _receiver = null!;

    public async Task InitializeAsync() => _receiver = await OtlpReceiver.StartAsync();

    public async Task DisposeAsync() => await _receiver.DisposeAsync();

    public void Dispose() => _factory.Dispose();

    [Fact]
    public void Cost_arrives_as_a_histogram_with_our_buckets_and_as_a_counter()
    {
        using var telemetry = Telemetry();

        Export(() =>
        {
            telemetry.Attempt(default, MeteredRow.Priced(0.0125m));
            telemetry.Attempt(default, MeteredRow.Priced(0.5m));
        });

        var cost = Assert.Single(_receiver.Series("gen_ai.client.operation.cost"));
        Assert.Equal(("histogram", "{cost}", 0.5125, 2UL), (cost.Kind, cost.Unit, cost.Value, cost.Count));
        Assert.Equal((0.000001, 10d), (cost.Bounds[0], cost.Bounds[^1]));
        Assert.Equal(
            new Dictionary<string, object>
            {
                ["gen_ai.operation.name"] = "chat",
                ["gen_ai.provider.name"] = "openai",
                ["gen_ai.request.model"] = "gpt-4o-mini",
                ["gen_ai.response.model"] = "gpt-4o-mini-2024-07-18",
                ["gen_ai.usage.cost.currency"] = "USD",
                ["gen_ai.usage.cost.source"] = "local",
            },
            cost.Tags);

        var total = Assert.Single(_receiver.Series("llmcostcache.cost.total"));
        Assert.Equal(("counter", "{USD}", 0.5125), (total.Kind, total.Unit, total.Value));
        Assert.Equal("gpt-4o-mini-2024-07-18", total.Tags["gen_ai.response.model"]);
    }

    [Fact]
    public void Tokens_unpriced_calls_cache_and_budgets_arrive()
    {
        using var telemetry = Telemetry(() => [MeteredRow.QuarterOfDailyTen]);

        Export(() =>
        {
            telemetry.Attempt(default, MeteredRow.Unpriced(new TokenUsage { CachedInputTokens = 1_920, ReasoningTokens = 64 }));
            telemetry.Cache(default, CacheOutcome.Hit, CacheLayer.Memory, Money.FromUsd(0.02m), "chat", "openai", "gpt-4o-mini", null);
            telemetry.Cache(default, CacheOutcome.Miss, CacheLayer.None, Money.Zero, "chat", "openai", "gpt-4o-mini", null);
            telemetry.Rejected(default, Budget.Daily(10m));
            telemetry.LayerFailed(CacheLayer.Disk, "corrupt");
            telemetry.LedgerDropped(3);
        });

        Assert.Equal(1, Assert.Single(_receiver.Series("llmcostcache.unpriced")).Value);
        Assert.Empty(_receiver.Series("gen_ai.client.operation.cost"));
        Assert.Equal([("cached_input", 1_920), ("reasoning", 64)],
            _receiver.Series("llmcostcache.tokens").Select(series => ((string)series.Tags["llmcostcache.token.kind"], series.Value)).Order());
        Assert.Equal([("hit", "memory", 1), ("miss", "none", 1)],
            _receiver.Series("llmcostcache.cache.requests")
                .Select(series => ((string)series.Tags["llmcostcache.cache.result"], (string)series.Tags["llmcostcache.cache.layer"], series.Value)).Order());
        Assert.Equal(0.02, Assert.Single(_receiver.Series("llmcostcache.cost.saved")).Value);
        Assert.Equal("day", Assert.Single(_receiver.Series("llmcostcache.budget.rejections")).Tags["llmcostcache.budget.period"]);
        var utilization = Assert.Single(_receiver.Series("llmcostcache.budget.utilization"));
        Assert.Equal(("gauge", 0.25), (utilization.Kind, utilization.Value));
        Assert.Equal("corrupt", Assert.Single(_receiver.Series("llmcostcache.cache.failures")).Tags["llmcostcache.failure.reason"]);
        Assert.Equal(3, Assert.Single(_receiver.Series("llmcostcache.ledger.dropped")).Value);
    }

    [Fact]
    public void No_series_says_who_called()
    {
        using var telemetry = Telemetry();

        Export(() =>
        {
            telemetry.Attempt(default, MeteredRow.Priced(0.0125m, new TokenUsage { CachedInputTokens = 1 }));
            telemetry.Rejected(default, Budget.Daily(10m).ForUser("alice").ForSession("session-7"));
        });

        var values = _receiver.AllSeries().SelectMany(series => series.Tags.Values).Select(value => $"{value}").ToList();
        Assert.NotEmpty(values);
        Assert.DoesNotContain(values, value => value.Contains("alice", StringComparison.Ordinal) || value.Contains("session-7", StringComparison.Ordinal)
            || value.Contains("acme", StringComparison.Ordinal) || value.Contains("my-app", StringComparison.Ordinal));
    }

    [Fact]
    public void Two_owners_of_one_process_arrive_as_one_series()
    {
        using var first = Telemetry();
        using var second = Telemetry();

        Export(() =>
        {
            first.Attempt(default, MeteredRow.Priced(0.25m));
            first.Dispose();
            second.Attempt(default, MeteredRow.Priced(0.5m));
        });

        Assert.Equal(0.75, Assert.Single(_receiver.Series("llmcostcache.cost.total")).Value);
    }

    [Fact]
    public void Cost_arrives_on_the_chat_span_of_the_stock_client()
    {
        const string StockSource = "Experimental.Microsoft.Extensions.AI";
        using var telemetry = Telemetry();
        using var source = new ActivitySource(StockSource);
        string? traceId;
        string? spanId;

        using (var provider = Tracing(builder => builder.AddSource(StockSource)))
        {
            using (source.StartActivity("chat gpt-4o-mini", ActivityKind.Client))
            {
                using var span = telemetry.Begin("chat", "gpt-4o-mini");
                telemetry.Cache(span, CacheOutcome.Miss, CacheLayer.None, Money.Zero, "chat", "openai", "gpt-4o-mini", null);
                telemetry.Attempt(span, MeteredRow.Priced(0.0125m, new TokenUsage { CachedInputTokens = 1_920 }) with { UsageSource = "estimate" });
                (traceId, spanId) = (span.TraceId, span.SpanId);
            }

            provider.ForceFlush();
        }

        var chat = Assert.Single(_receiver.Spans());
        Assert.Equal((StockSource, "chat gpt-4o-mini", traceId, spanId), (chat.Scope, chat.Name, chat.TraceId, chat.SpanId));
        Assert.Equal(
            new Dictionary<string, object>
            {
                ["gen_ai.usage.cost.amount"] = 0.0125,
                ["gen_ai.usage.cost.currency"] = "USD",
                ["gen_ai.usage.cost.source"] = "local",
                ["llmcostcache.usage.estimated"] = true,
                ["llmcostcache.prompt_cache.hit"] = true,
                ["llmcostcache.prompt_cache.read_tokens"] = 1_920L,
                ["llmcostcache.cache.result"] = "miss",
            },
            chat.Tags);
    }

    [Fact]
    public void Without_a_chat_span_our_own_arrives_under_the_callers()
    {
        using var telemetry = Telemetry();
        using var source = new ActivitySource("caller");

        using (var provider = Tracing(builder => builder.AddSource("caller")))
        {
            using (source.StartActivity("GET /answer"))
            {
                using var span = telemetry.Begin("chat", "gpt-4o-mini");
                telemetry.Attempt(span, MeteredRow.Priced(0.0125m));
            }

            provider.ForceFlush();
        }

        var request = Assert.Single(_receiver.Spans(), span => span.Scope == "caller");
        var own = Assert.Single(_receiver.Spans(), span => span.Scope == "LlmCostCache.AI");
        Assert.Equal(("llmcost chat gpt-4o-mini", request.TraceId, request.SpanId), (own.Name, own.TraceId, own.ParentSpanId));
        Assert.Equal(0.0125, own.Tags["gen_ai.usage.cost.amount"]);
        Assert.DoesNotContain("gen_ai.usage.cost.amount", request.Tags.Keys);
    }

    private CostTelemetry Telemetry(Func<IReadOnlyList<WindowBalance>>? balances = null) => new(new LlmCostsOptions { MeterFactory = _factory }, balances);

    private void Export(Action calls)
    {
        using var provider = Sdk.CreateMeterProviderBuilder()
            .AddLlmCostCacheInstrumentation()
            .AddOtlpExporter((otlp, reader) =>
            {
                otlp.Protocol = OtlpExportProtocol.HttpProtobuf;
                otlp.Endpoint = _receiver.Metrics;
                reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = Timeout.Infinite;
            })
            .Build();
        calls();

        // Disposing the provider exports once more, the same cumulative values; only the first export is looked at.
        Assert.True(provider.ForceFlush(10_000));
        _receiver.StopTakingMetrics();
    }

    private TracerProvider Tracing(Action<TracerProviderBuilder> configure)
    {
        var builder = Sdk.CreateTracerProviderBuilder().AddLlmCostCacheInstrumentation().AddOtlpExporter(otlp =>
        {
            otlp.Protocol = OtlpExportProtocol.HttpProtobuf;
            otlp.Endpoint = _receiver.Traces;
        });
        configure(builder);
        return builder.Build();
    }
}
