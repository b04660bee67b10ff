using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;

namespace LlmCostCache.AI.Tests;

/// <summary>What a real Prometheus answers after scraping an application that registered us with one line.</summary>
public class PrometheusTests
{
    [PrometheusFact]
    public async Task Prometheus_scrapes_and_answers_what_was_spent_saved_and_refused()
    {
        await using var app = App();
        await app.StartAsync();
        using var telemetry = new CostTelemetry(
            new LlmCostsOptions { MeterFactory = app.Services.GetRequiredService<IMeterFactory>() },
            () => [MeteredRow.QuarterOfDailyTen]);
        telemetry.Attempt(default, MeteredRow.Priced(0.0125m, new TokenUsage { CachedInputTokens = 1_920 }));
        telemetry.Attempt(default, MeteredRow.Priced(0.5m));
        telemetry.Attempt(default, MeteredRow.Unpriced());
        telemetry.Cache(default, CacheOutcome.Hit, CacheLayer.Memory, Money.FromUsd(0.02m), "chat", "openai", "gpt-4o-mini", null);
        telemetry.Cache(default, CacheOutcome.Miss, CacheLayer.None, Money.Zero, "chat", "openai", "gpt-4o-mini", null);
        telemetry.Rejected(default, Budget.Daily(10m));

        await using var prometheus = await PrometheusServer.StartAsync(new Uri(app.Urls.First()));

        var total = Assert.Single(await prometheus.QueryAsync("llmcostcache_cost_total"));
        Assert.Equal(0.5125, total.Value);
        Assert.Equal("gpt-4o-mini-2024-07-18", total.Labels["gen_ai_response_model"]);
        Assert.Equal("openai", total.Labels["gen_ai_provider_name"]);
        Assert.Equal(0.5125, await One("gen_ai_client_operation_cost_sum"));
        Assert.Equal(2, await One("gen_ai_client_operation_cost_count"));
        Assert.Equal(1, await One("gen_ai_client_operation_cost_bucket{le=\"0.025\"}"));
        Assert.Equal(1, await One("llmcostcache_unpriced_total"));
        Assert.Equal(1_920, await One("llmcostcache_tokens_total{llmcostcache_token_kind=\"cached_input\"}"));
        Assert.Equal(0.02, await One("llmcostcache_cost_saved"));
        Assert.Equal(0.5, await One("sum(llmcostcache_cache_requests_total{llmcostcache_cache_result=\"hit\"}) / sum(llmcostcache_cache_requests_total)"));
        Assert.Equal(1, await One("llmcostcache_budget_rejections_total{llmcostcache_budget_period=\"day\"}"));
        Assert.Equal(0.25, await One("llmcostcache_budget_utilization"));

        async Task<double> One(string query) => Assert.Single(await prometheus.QueryAsync(query)).Value;
    }

    private static WebApplication App()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddLlmCostCacheInstrumentation().AddPrometheusExporter());
        var app = builder.Build();
        app.MapPrometheusScrapingEndpoint();
        return app;
    }
}
