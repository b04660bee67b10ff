using System.Diagnostics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;

namespace LlmCostCache.AI.Tests;

/// <summary>A container, a chat client and two lines of registration: what a collector receives of real calls.</summary>
public sealed class PipelineTelemetryTests : IAsyncLifetime
{
    private readonly TempHome _home = new();
    private readonly FakeChatClient _provider = new()
    {
        Usage = new UsageDetails { InputTokenCount = 2_000, OutputTokenCount = 500, TotalTokenCount = 2_500, CachedInputTokenCount = 1_000 },
    };

    private readonly List<Activity> _spans = [];
    private readonly List<Metric> _metrics = [];
    private ServiceProvider _services = null!;
    private MeterProvider _meters = null!;
    private TracerProvider _traces = null!;

    // 1,000 at $0.15, 1,000 cached at $0.075, 500 at $0.60 per million.
    private const double Price = 0.000525;

    // Asked again at once, 1,920 tokens of the prompt would have been read from the provider's cache.
    private const double Saved = 0.000456;

    public Task InitializeAsync()
    {
        var services = new ServiceCollection();
        services.AddMetrics();
        services.AddLlmCostCache(o =>
        {
            o.HomeDirectory = _home.Path;
            o.Budgets.Add(Budget.Daily(1m));
        });
        services.AddChatClient(_provider).UseFunctionInvocation().UseOpenTelemetry().UseCostCache().UseBudget();
        _services = services.BuildServiceProvider();
        _traces = Sdk.CreateTracerProviderBuilder().AddSource("Experimental.Microsoft.Extensions.AI").AddLlmCostCacheInstrumentation().AddInMemoryExporter(_spans).Build();
        _meters = Sdk.CreateMeterProviderBuilder().AddMeter("Experimental.Microsoft.Extensions.AI").AddLlmCostCacheInstrumentation().AddInMemoryExporter(_metrics).Build();
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        _traces.Dispose();
        _meters.Dispose();
        await _services.DisposeAsync();
        _home.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Cost_cache_layer_and_prompt_cache_are_on_the_standard_chat_span(bool streamed)
    {
        await AskAsync("Hello", streamed);
        await AskAsync("Hello", streamed);

        var mine = _spans.Where(span => span.Source.Name == "Experimental.Microsoft.Extensions.AI" && span.DisplayName.StartsWith("chat", StringComparison.Ordinal)).ToList();
        Assert.Equal(2, mine.Count);
        Assert.Equal(Price, mine[0].GetTagItem("gen_ai.usage.cost.amount"));
        Assert.Equal("USD", mine[0].GetTagItem("gen_ai.usage.cost.currency"));
        Assert.Equal("local", mine[0].GetTagItem("gen_ai.usage.cost.source"));
        Assert.Equal("miss", mine[0].GetTagItem("llmcostcache.cache.result"));
        Assert.Equal(true, mine[0].GetTagItem("llmcostcache.prompt_cache.hit"));
        Assert.Equal("hit", mine[1].GetTagItem("llmcostcache.cache.result"));
        Assert.Equal("memory", mine[1].GetTagItem("llmcostcache.cache.layer"));
        Assert.Equal(Saved, mine[1].GetTagItem("llmcostcache.cost.saved"));
        Assert.Null(mine[1].GetTagItem("gen_ai.usage.cost.amount"));
    }

    [Fact]
    public async Task Three_requests_of_which_two_are_hits_are_measured_as_one_billable_call()
    {
        for (var i = 0; i < 3; i++)
        {
            await AskAsync("Hello", streamed: false);
        }

        _meters.ForceFlush();
        Assert.Equal(1, Histogram("gen_ai.client.operation.cost").Count);
        Assert.Equal(Price, Histogram("gen_ai.client.operation.cost").Sum, 12);

        // The stock client's own token histogram: one value for input and one for output.
        Assert.Equal(2, Histogram("gen_ai.client.token.usage").Count);
        Assert.Equal(2_500, Histogram("gen_ai.client.token.usage").Sum);
        Assert.Equal(Price, Sum("llmcostcache.cost.total"), 12);
        Assert.Equal(2 * Saved, Sum("llmcostcache.cost.saved"), 12);
    }

    [Fact]
    public async Task A_call_without_a_chat_span_gets_one_of_ours()
    {
        var client = _provider.AsBuilder().UseCostCache().UseBudget().Build(_services);
        await client.GetResponseAsync("Hello");

        var span = Assert.Single(_spans, span => span.Source.Name == "LlmCostCache.AI");
        Assert.Equal(Price, span.GetTagItem("gen_ai.usage.cost.amount"));
        Assert.Equal("miss", span.GetTagItem("llmcostcache.cache.result"));
    }

    [Fact]
    public async Task Rows_carry_the_trace_they_belong_to()
    {
        await AskAsync("Hello", streamed: false);
        var costs = _services.GetRequiredService<LlmCosts>();
        await costs.FlushAsync();
        var span = Assert.Single(_spans, span => span.DisplayName.StartsWith("chat", StringComparison.Ordinal));
        await foreach (var row in costs.Ledger.ReadAsync())
        {
            Assert.Equal((span.TraceId.ToHexString(), span.SpanId.ToHexString()), (row.TraceId, row.SpanId));
        }
    }

    private async Task AskAsync(string question, bool streamed)
    {
        var client = _services.GetRequiredService<IChatClient>();
        if (streamed)
        {
            await foreach (var _ in client.GetStreamingResponseAsync(question))
            {
                // Read to the end.
            }
        }
        else
        {
            await client.GetResponseAsync(question);
        }
    }

    private (long Count, double Sum) Histogram(string name)
    {
        (long Count, double Sum) all = default;
        foreach (ref readonly var point in _metrics.Last(metric => metric.Name == name).GetMetricPoints())
        {
            all = (all.Count + point.GetHistogramCount(), all.Sum + point.GetHistogramSum());
        }

        return all;
    }

    private double Sum(string name)
    {
        var sum = 0d;
        foreach (ref readonly var point in _metrics.Last(metric => metric.Name == name).GetMetricPoints())
        {
            sum += point.GetSumDouble();
        }

        return sum;
    }
}
