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

        notifier.Open(window);
        notifier.GiveOnce(window, "refusal", notice);
        notifier.Give(notice);
        await notifier.DisposeAsync();

        Assert.Equal(notice, Assert.Single(told));
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

    private sealed class Overflowing(ILedgerStore inner) : DelegatingLedgerStore(inner)
    {
        public override ValueTask OpenWindowAsync(BudgetWindow window, CancellationToken cancellationToken = default) => throw new OverflowException();

        public override ValueTask<bool> NoticeAsync(BudgetWindow window, string notice, CancellationToken cancellationToken = default) => throw new OverflowException();
    }
}
