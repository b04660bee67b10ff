using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI.Tests;

/// <summary>A listener to metrics runs inside whoever counts. What it throws stays its own.</summary>
public sealed class ThrowingListenerTests : IDisposable
{
    private readonly TestMeterFactory _factory = new();
    private readonly MeterListener _listener;

    public ThrowingListenerTests()
    {
        _listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (ReferenceEquals(instrument.Meter.Scope, _factory))
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        _listener.SetMeasurementEventCallback<long>((_, _, _, _) => throw new InvalidOperationException("mine"));
        _listener.SetMeasurementEventCallback<double>((_, _, _, _) => throw new InvalidOperationException("mine"));
        _listener.Start();
    }

    public void Dispose()
    {
        _listener.Dispose();
        _factory.Dispose();
    }

    [Fact]
    public async Task A_retry_is_made_all_the_same()
    {
        await using var pipeline = Open((builder, costs) => builder.UseRetry(costs, o => o.Delay = TimeSpan.Zero));
        pipeline.Provider.Answer = (_, options, number) => number == 1
            ? throw new HttpRequestException("busy", null, HttpStatusCode.ServiceUnavailable)
            : Task.FromResult(pipeline.Provider.DefaultAnswer(options, "fine"));
        Assert.Equal("fine", (await pipeline.Client.GetResponseAsync("Hello")).Text);
    }

    [Fact]
    public async Task A_hit_is_served_all_the_same()
    {
        await using var pipeline = Open((builder, costs) => builder.UseCostCache(costs));
        await pipeline.Client.GetResponseAsync("Hello");
        Assert.Equal(CacheLayer.Memory, (await pipeline.Client.GetResponseAsync("Hello")).GetCost().CacheLayer);
    }

    [Fact]
    public async Task What_is_refused_is_refused_with_the_reason()
    {
        await using var limited = Open((builder, costs) => builder.UseRateLimit(costs, o =>
        {
            o.Limits.Add(RateLimit.Requests(1, per: TimeSpan.FromMinutes(1)));
            o.MaxWait = TimeSpan.Zero;
        }));
        await limited.Client.GetResponseAsync("one");
        await Assert.ThrowsAsync<QuotaExceededException>(() => limited.Client.GetResponseAsync("two"));

        await using var guarded = Open((builder, costs) => builder.UseRunawayGuard(costs, o => o.MaxCallsPerRun = 1));
        using (CostScope.Begin(session: "run"))
        {
            await guarded.Client.GetResponseAsync("one");
            await Assert.ThrowsAsync<RunawayException>(() => guarded.Client.GetResponseAsync("two"));
        }

        await using var budgeted = Open((builder, costs) => builder.UseBudget(costs), Budget.Daily(0m));
        await Assert.ThrowsAsync<BudgetExceededException>(() => budgeted.Client.GetResponseAsync("one"));
    }

    [Fact]
    public async Task Who_waited_for_his_turn_gets_it()
    {
        await using var pipeline = Open((builder, costs) => builder.UseRateLimit(costs, o => o.Limits.Add(RateLimit.Requests(1, per: TimeSpan.FromMilliseconds(100)))));
        await pipeline.Client.GetResponseAsync("one");
        Assert.Equal("answer 2", (await pipeline.Client.GetResponseAsync("two")).Text);
    }

    [Fact]
    public async Task Notices_are_given_all_the_same()
    {
        var told = new TaskCompletionSource<BudgetNotice>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var pipeline = Open((builder, costs) => builder.UseBudget(costs), Budget.Daily(0.0001m).Warn().NotifyAt(1m), o => o.OnBudgetNotice(notice => { told.TrySetResult(notice); }));
        await pipeline.Client.GetResponseAsync("Hello");
        Assert.Equal(BudgetNoticeKind.Threshold, (await told.Task.WaitAsync(TimeSpan.FromMinutes(1))).Kind);
        await pipeline.Costs.FlushAsync().AsTask().WaitAsync(TimeSpan.FromMinutes(1));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_call_is_answered_and_recorded_when_a_listener_to_spans_throws(bool whenSampled)
    {
        var mine = new AsyncLocal<bool> { Value = true };
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "LlmCostCache.AI",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => !mine.Value ? ActivitySamplingResult.None : whenSampled ? throw new InvalidOperationException("mine") : ActivitySamplingResult.AllData,
            ActivityStarted = _ =>
            {
                if (mine.Value)
                {
                    throw new InvalidOperationException("mine");
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        using var around = new Activity("around").Start();
        await using var pipeline = Open((builder, costs) => builder.UseCostCache(costs).UseBudget(costs));

        Assert.Equal("answer 1", (await pipeline.Client.GetResponseAsync("Hello")).Text);
        Assert.Same(around, Activity.Current);
        Assert.Single(await pipeline.RowsAsync());
    }

    private Pipeline Open(Func<ChatClientBuilder, LlmCosts, ChatClientBuilder> build, Budget? budget = null, Action<LlmCostsOptions>? configure = null) => new(o =>
    {
        o.MeterFactory = _factory;
        if (budget is not null)
        {
            o.Budgets.Add(budget);
        }

        configure?.Invoke(o);
    }, build);
}
