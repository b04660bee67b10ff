using System.Diagnostics.Metrics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace LlmCostCache.AI.Tests;

public class BudgetNoticeTests
{
    // Each answer costs $0.00045, so that the fourth reaches 90 percent.
    private static readonly Budget s_budget = Budget.Daily(0.002m).Warn().Named("team-a");

    [Fact]
    public async Task An_observer_is_told_what_is_spent_and_what_remains()
    {
        var told = new List<BudgetNotice>();
        await using var pipeline = new Pipeline(o =>
        {
            o.Budgets.Add(s_budget);
            o.OnBudgetNotice(told.Add);
        });
        await AskAsync(pipeline, 4);

        Assert.Equal([0.5m, 0.8m, 0.9m], told.Select(notice => notice.Threshold));
        var last = told[^1];
        Assert.Equal((BudgetNoticeKind.Threshold, 0.9m, Money.FromUsd(0.0018m), Money.FromUsd(0.0002m)), (last.Kind, last.Utilization, last.Spent, last.Remaining));
        Assert.StartsWith("Budget 'team-a' has reached 90%: $0.0018 of $0.002 is spent (90%), $0.0002 remains. The next period begins at ", last.Message, StringComparison.Ordinal);
        Assert.Equal(3, told.Select(notice => notice.Id).Distinct().Count());
    }

    [Fact]
    public async Task An_observer_is_not_in_the_scope_of_the_call_during_which_everything_was_opened()
    {
        var seen = new List<Attribution>();
        Pipeline pipeline;
        using (CostScope.Begin(user: "the first one"))
        {
            pipeline = new Pipeline(o =>
            {
                o.Budgets.Add(s_budget.NotifyAt(0.5m));
                o.OnBudgetNotice(_ => seen.Add(CostScope.Current));
            });
        }

        await using (pipeline)
        {
            await AskAsync(pipeline, 4);
            Assert.Equal(Attribution.None, Assert.Single(seen));
        }
    }

    [Fact]
    public async Task Calls_that_are_only_metered_or_recorded_are_announced_too()
    {
        var told = new List<BudgetNotice>();
        await using var pipeline = new Pipeline(o =>
        {
            o.Budgets.Add(s_budget.NotifyAt(0.4m, 0.9m));
            o.OnBudgetNotice(told.Add);
        }, (builder, costs) => builder.UseUsageMetering(costs));
        await AskAsync(pipeline, 2);
        Assert.Equal([0.4m], told.Select(notice => notice.Threshold));
        await pipeline.Costs.RecordAsync(new UsageRecord { Id = "x", At = DateTimeOffset.UtcNow, Model = "gpt-4o-mini", Cost = CallCost.Known(Money.FromUsd(1m)) });
        await pipeline.Costs.FlushAsync();
        Assert.Equal([0.4m, 0.9m], told.Select(notice => notice.Threshold));
    }

    [Fact]
    public async Task Calls_that_are_free_count_as_requests_and_are_announced()
    {
        var told = new List<BudgetNotice>();
        await using var pipeline = new Pipeline(o =>
        {
            o.Budgets.Add(Budget.Daily(BudgetAmount.Requests(2)).Warn().NotifyAt(1m));
            o.Prices.Add(new ModelPrice("gpt-4o-mini") { InputPerMillion = 0m, OutputPerMillion = 0m });
            o.OnBudgetNotice(told.Add);
        }, (builder, costs) => builder.UseUsageMetering(costs));

        await AskAsync(pipeline, 2);

        Assert.All(await pipeline.RowsAsync(), row => Assert.Equal(Money.Zero, row.Cost.Amount));
        Assert.Equal(1m, Assert.Single(told).Threshold);
    }

    [Fact]
    public async Task The_log_says_it_once_and_names_no_user()
    {
        using var logs = new FakeLoggerProvider();
        using var factory = LoggerFactory.Create(builder => builder.AddProvider(logs));
        await using var pipeline = new Pipeline(o =>
        {
            o.Budgets.Add(Budget.Daily(0.001m).Warn().ForEachUser().NotifyAt(0.5m, 0.8m));
            o.LoggerFactory = factory;
        });
        using (CostScope.Begin(user: "alice"))
        {
            await AskAsync(pipeline, 3);
        }

        var said = logs.Collector.GetSnapshot().Where(log => log.Id.Id == 60).ToList();
        Assert.Equal([LogLevel.Information, LogLevel.Warning], said.Select(log => log.Level));
        Assert.Contains("'day user=*' has reached 80%", said[1].Message, StringComparison.Ordinal);
        Assert.DoesNotContain(logs.Collector.GetSnapshot(), log => log.Message.Contains("alice", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_metric_counts_it_with_period_name_kind_and_threshold()
    {
        using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var meters = services.GetRequiredService<IMeterFactory>();
        using var notices = new MetricCollector<long>(meters, "LlmCostCache.AI", "llmcostcache.budget.notices");
        await using var pipeline = new Pipeline(o =>
        {
            o.Budgets.Add(s_budget.NotifyAt(0.2m));
            o.MeterFactory = meters;
        });
        await AskAsync(pipeline, 3);

        var measured = Assert.Single(notices.GetMeasurementSnapshot());
        Assert.Equal(("day", "team-a", "threshold", "0.2"), (measured.Tags["llmcostcache.budget.period"], measured.Tags["llmcostcache.budget.name"],
            measured.Tags["llmcostcache.budget.notice"], measured.Tags["llmcostcache.budget.threshold"]));
    }

    [Fact]
    public async Task An_observer_that_fails_hurts_neither_the_call_nor_the_next_observer()
    {
        var told = new List<BudgetNotice>();
        using var logs = new FakeLoggerProvider();
        using var factory = LoggerFactory.Create(builder => builder.AddProvider(logs));
        await using var pipeline = new Pipeline(o =>
        {
            o.Budgets.Add(s_budget.NotifyAt(0.2m));
            o.LoggerFactory = factory;
            o.OnBudgetNotice(_ => throw new InvalidOperationException("the password is hunter2"));
            o.OnBudgetNotice(told.Add);
        });
        await AskAsync(pipeline, 1);

        Assert.Single(told);
        Assert.Contains(logs.Collector.GetSnapshot(), log => log.Id.Id == 71 && log.Message.Contains("InvalidOperationException", StringComparison.Ordinal));
        Assert.DoesNotContain(logs.Collector.GetSnapshot(), log => log.Message.Contains("hunter2", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_observer_that_never_returns_does_not_hold_up_the_caller()
    {
        var entered = new TaskCompletionSource();
        var letGo = new TaskCompletionSource();
        await using var pipeline = new Pipeline(o =>
        {
            o.Budgets.Add(s_budget.NotifyAt(0.2m));
            o.OnBudgetNotice(async (_, _) =>
            {
                entered.SetResult();
                await letGo.Task;
            });
        });
        await pipeline.Client.GetResponseAsync("Hello");
        await entered.Task;
        await pipeline.Client.GetResponseAsync("Hello again");
        Assert.Equal(2, pipeline.Provider.Calls.Count);
        letGo.SetResult();
    }

    [Fact]
    public async Task A_registered_observer_is_told()
    {
        using var home = new TempHome();
        var observer = new Listener();
        var services = new ServiceCollection();
        services.AddSingleton<IBudgetObserver>(observer);
        services.AddLlmCostCache(o =>
        {
            o.HomeDirectory = home.Path;
            o.Budgets.Add(s_budget.NotifyAt(0.2m));
        });
        await using var provider = services.BuildServiceProvider();
        var costs = provider.GetRequiredService<LlmCosts>();
        await costs.RecordAsync(new UsageRecord { Id = "x", At = DateTimeOffset.UtcNow, Model = "gpt-4o-mini", Cost = CallCost.Known(Money.FromUsd(1m)) });
        await costs.FlushAsync();
        Assert.Single(observer.Told);
    }

    private static async Task AskAsync(Pipeline pipeline, int times)
    {
        for (var i = 0; i < times; i++)
        {
            await pipeline.Client.GetResponseAsync($"Hello {i}");
        }

        await pipeline.Costs.FlushAsync();
    }

    private sealed class Listener : IBudgetObserver
    {
        public List<BudgetNotice> Told { get; } = [];

        public ValueTask ObserveAsync(BudgetNotice notice, CancellationToken cancellationToken)
        {
            Told.Add(notice);
            return ValueTask.CompletedTask;
        }
    }
}
