using System.Net;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>What metrics and log say about waits, refusals, retries and stopped runs.</summary>
public class LimitsTelemetryTests
{
    [Fact]
    public async Task Refusals_of_a_rate_limit_are_counted_without_naming_anybody()
    {
        using var meters = new TestMeterFactory();
        using var refusals = Collect<long>(meters, "llmcostcache.rate_limit.rejections");
        var log = new FakeLogCollector();
        await using var pipeline = new Pipeline(o => (o.MeterFactory, o.LoggerFactory) = (meters, Logger(log)), (builder, costs) => builder.UseRateLimit(costs, o =>
        {
            o.Limits.Add(RateLimit.Requests(1, TimeSpan.FromDays(1)).ForUser("alice"));
            o.MaxWait = TimeSpan.Zero;
        }));
        using var scope = CostScope.Begin(user: "alice");
        await pipeline.Client.GetResponseAsync("one");
        await Assert.ThrowsAsync<QuotaExceededException>(() => pipeline.Client.GetResponseAsync("two"));
        var refusal = Assert.Single(refusals.GetMeasurementSnapshot());
        Assert.Equal("wait_too_long", refusal.Tags["llmcostcache.failure.reason"]);
        Assert.DoesNotContain("alice", (string)refusal.Tags["llmcostcache.rate_limit.name"]!, StringComparison.Ordinal);
        Assert.DoesNotContain(log.GetSnapshot(), line => line.Message.Contains("alice", StringComparison.Ordinal));
        Assert.Contains(log.GetSnapshot(), line => line.Id.Id == 140);
    }

    [Fact]
    public async Task Waits_are_measured_and_calls_that_do_not_wait_are_not_in_it()
    {
        using var meters = new TestMeterFactory();
        using var waits = Collect<double>(meters, "llmcostcache.rate_limit.wait");
        var minute = TimeSpan.FromMinutes(1);
        var time = new FakeTimeProvider(BoughtAnswer.Noon);
        await using var pipeline = new Pipeline(o => (o.MeterFactory, o.TimeProvider) = (meters, time), (builder, costs) => builder.UseRateLimit(costs, o => o.Limits.Add(RateLimit.Requests(1, minute))));
        await pipeline.Client.GetResponseAsync("one");
        Assert.Empty(waits.GetMeasurementSnapshot());
        var second = pipeline.Client.GetResponseAsync("two");
        while (pipeline.Costs.Rates.Waiting == 0)
        {
            await Task.Delay(1);
        }

        time.Advance(minute);
        await second;
        var wait = Assert.Single(waits.GetMeasurementSnapshot());
        Assert.Equal(("chat", "passed"), (wait.Tags["gen_ai.operation.name"], wait.Tags["llmcostcache.rate_limit.result"]));
        Assert.Equal(60, wait.Value);
    }

    [Fact]
    public async Task Retries_are_counted_by_what_had_failed()
    {
        using var meters = new TestMeterFactory();
        using var retries = Collect<long>(meters, "llmcostcache.retries");
        var log = new FakeLogCollector();
        await using var pipeline = new Pipeline(o => (o.MeterFactory, o.LoggerFactory) = (meters, Logger(log)), (builder, costs) => builder.UseRetry(costs, o => o.Delay = TimeSpan.Zero));
        pipeline.Provider.Answer = (_, options, number) => number switch
        {
            1 => throw new HttpRequestException("busy", null, HttpStatusCode.TooManyRequests),
            2 => throw new HttpRequestException("down", null, HttpStatusCode.BadGateway),
            3 => throw new IOException("reset"),
            _ => Task.FromResult(pipeline.Provider.DefaultAnswer(options, "fine")),
        };
        await pipeline.Client.GetResponseAsync("one");
        Assert.Equal(["429", "5xx", "connection"], retries.GetMeasurementSnapshot().Select(retry => retry.Tags["llmcostcache.failure.reason"]));
        Assert.Equal(3, log.GetSnapshot().Count(line => line.Id.Id == 145));
    }

    [Fact]
    public async Task A_stopped_run_is_counted_each_time_and_logged_once()
    {
        using var meters = new TestMeterFactory();
        using var stops = Collect<long>(meters, "llmcostcache.runaway.stops");
        var log = new FakeLogCollector();
        await using var pipeline = new Pipeline(o => (o.MeterFactory, o.LoggerFactory) = (meters, Logger(log)), (builder, costs) => builder.UseRunawayGuard(costs, o => o.MaxCallsPerRun = 1));
        using var run = CostScope.Begin(session: "secret-session");
        await pipeline.Client.GetResponseAsync("one");
        await Assert.ThrowsAsync<RunawayException>(() => pipeline.Client.GetResponseAsync("two"));
        await Assert.ThrowsAsync<RunawayException>(() => pipeline.Client.GetResponseAsync("three"));
        Assert.Equal(["calls", "calls"], stops.GetMeasurementSnapshot().Select(stop => stop.Tags["llmcostcache.runaway.rule"]));
        var said = Assert.Single(log.GetSnapshot(), line => line.Id.Id == 150);
        Assert.DoesNotContain("secret-session", said.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_retry_outside_function_invocation_is_warned_of()
    {
        var log = new FakeLogCollector();
        await using var pipeline = new Pipeline(o => o.LoggerFactory = Logger(log), (builder, costs) => builder.UseRetry(costs).UseFunctionInvocation().UseUsageMetering(costs));
        Assert.Contains(log.GetSnapshot(), line => line.Id.Id == 146);
    }

    private static MetricCollector<T> Collect<T>(TestMeterFactory meters, string name)
        where T : struct => new(meters, "LlmCostCache.AI", name);

    private static Microsoft.Extensions.Logging.ILoggerFactory Logger(FakeLogCollector log) =>
        new Microsoft.Extensions.Logging.LoggerFactory([new FakeLoggerProvider(log)]);
}
