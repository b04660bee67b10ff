using Microsoft.Extensions.Logging.Abstractions;

namespace LlmCostCache.AI.Tests;

public class BudgetNotifierTests
{
    [Fact]
    public async Task A_notice_that_the_ledger_cannot_count_does_not_keep_the_next_ones_back()
    {
        await using var pipeline = new Pipeline();
        var told = new List<BudgetNotice>();
        var observer = new BudgetCallback((notice, _) =>
        {
            told.Add(notice);
            return default;
        });
        var notifier = new BudgetNotifier([observer], [], new Overflowing(pipeline.Costs.Store), pipeline.Costs.Telemetry, NullLogger.Instance);
        var window = new BudgetWindow(Budget.Total(1m), "", DateTimeOffset.MinValue, DateTimeOffset.MaxValue);
        var notice = BudgetNotice.Of(BudgetNoticeKind.Refusal, window, Money.FromUsd(1m), Money.Zero, Money.Zero, DateTimeOffset.UnixEpoch);

        notifier.Open(window, static () => { });
        notifier.GiveOnce(window, "refusal", notice, static () => { });
        notifier.Give(notice);
        await notifier.DisposeAsync();

        Assert.Equal(notice, Assert.Single(told));
    }

    [Fact]
    public async Task A_refusal_that_could_not_be_noticed_is_noticed_with_the_next_one()
    {
        var budget = Budget.Total(0m).Named("none");
        await using var pipeline = new Pipeline(o => o.Budgets.Add(budget));
        var told = new List<BudgetNotice>();
        var notifier = new BudgetNotifier([new BudgetCallback((notice, _) =>
        {
            told.Add(notice);
            return default;
        })], [], new AwayOnce(pipeline.Costs.Store), pipeline.Costs.Telemetry, NullLogger.Instance);
        var report = new RefusalReport(pipeline.Costs.Store, pipeline.Costs.Telemetry, notifier, TimeProvider.System, NullLogger.Instance);
        var window = new BudgetWindow(budget, "", DateTimeOffset.MinValue, DateTimeOffset.MaxValue);
        var demand = new BudgetDemand
        {
            CallId = "c",
            Operation = "chat",
            Attribution = Attribution.None,
            Client = new ClientIdentity("openai", null, null, true),
            Model = "gpt-4o-mini",
            Size = RequestSize.Empty,
        };
        for (var i = 0; i < 3; i++)
        {
            report.Write(demand, BudgetRefusal.Of(budget, new BudgetTally(Money.Zero, Money.Zero, Money.Zero, Money.FromNanos(1)), null, null, window), default);
            await notifier.FlushAsync(CancellationToken.None);
        }

        await notifier.DisposeAsync();
        Assert.Equal(BudgetNoticeKind.Refusal, Assert.Single(told).Kind);
    }

    [Fact]
    public async Task An_observer_that_blocks_its_thread_does_not_keep_the_end_from_coming()
    {
        await using var pipeline = new Pipeline();
        using var released = new ManualResetEventSlim();
        var observer = new BudgetCallback((_, _) =>
        {
            released.Wait(CancellationToken.None);
            return default;
        });
        var notifier = new BudgetNotifier([observer], [], pipeline.Costs.Store, pipeline.Costs.Telemetry, NullLogger.Instance);
        var window = new BudgetWindow(Budget.Total(1m), "", DateTimeOffset.MinValue, DateTimeOffset.MaxValue);
        notifier.Give(BudgetNotice.Of(BudgetNoticeKind.Refusal, window, Money.FromUsd(1m), Money.Zero, Money.Zero, DateTimeOffset.UnixEpoch));
        try
        {
            await notifier.DrainAsync();
            await notifier.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromMinutes(1));
        }
        finally
        {
            released.Set();
        }
    }

    private sealed class AwayOnce(ILedgerStore inner) : DelegatingLedgerStore(inner)
    {
        private bool _wasAsked;

        public override ValueTask<bool> NoticeAsync(BudgetWindow window, string notice, CancellationToken cancellationToken = default)
        {
            if (_wasAsked)
            {
                return base.NoticeAsync(window, notice, cancellationToken);
            }

            _wasAsked = true;
            throw new StoreUnavailableException("It is busy.");
        }
    }

    private sealed class Overflowing(ILedgerStore inner) : DelegatingLedgerStore(inner)
    {
        public override ValueTask OpenWindowAsync(BudgetWindow window, CancellationToken cancellationToken = default) => throw new OverflowException();

        public override ValueTask<bool> NoticeAsync(BudgetWindow window, string notice, CancellationToken cancellationToken = default) => throw new OverflowException();
    }
}
