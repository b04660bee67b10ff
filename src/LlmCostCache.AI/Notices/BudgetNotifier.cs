using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>Passes notices on: to the log, the metric, the observers and the webhooks. Whoever has one only puts it down; the rest happens in the background.</summary>
internal sealed class BudgetNotifier : IAsyncDisposable
{
    private const int Capacity = 10_000;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_farewell = TimeSpan.FromSeconds(5);

    private readonly IReadOnlyList<IBudgetObserver> _observers;
    private readonly IReadOnlyList<WebhookSender> _webhooks;
    private readonly ILedgerStore _store;
    private readonly CostTelemetry _telemetry;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();

    // Holds notices, windows to be counted from now on, and the marks of those who wait until the notices before them were passed on.
    private readonly Channel<object> _waiting = Channel.CreateBounded<object>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly Task _passing;

    public BudgetNotifier(IEnumerable<IBudgetObserver> observers, IReadOnlyList<WebhookSender> webhooks, ILedgerStore store, CostTelemetry telemetry, ILogger logger)
    {
        _webhooks = webhooks;
        _store = store;
        _observers = [.. observers];
        _telemetry = telemetry;
        _logger = logger;
        _passing = Task.Run(PassOnAsync);
    }

    public void Crossed(IReadOnlyList<BudgetCrossing> crossings)
    {
        foreach (var crossing in crossings)
        {
            Give(BudgetNotice.Of(crossing));
        }
    }

    public void Give(BudgetNotice notice)
    {
        if (!_waiting.Writer.TryWrite(notice))
        {
            Log.NoticeDropped(_logger, notice);
        }
    }

    /// <summary>Has a window counted that nothing was held in, so that its thresholds are noticed.</summary>
    /// <param name="window">The window.</param>
    /// <param name="whenFailed">What is done when the ledger cannot be asked, so that it is asked again some time.</param>
    public void Open(BudgetWindow window, Action whenFailed) => Put(new Uncounted(window, whenFailed), whenFailed);

    /// <summary>Gives a notice unless some process gave it before.</summary>
    /// <param name="window">What it is given once in.</param>
    /// <param name="mark">What tells it from other notices of the window.</param>
    /// <param name="notice">The notice.</param>
    /// <param name="whenFailed">What is done when the ledger cannot be asked, so that it is asked again some time.</param>
    public void GiveOnce(BudgetWindow window, string mark, BudgetNotice notice, Action whenFailed) => Put(new Doubtful(window, mark, notice, whenFailed), whenFailed);

    /// <summary>Waits until the notices that were given so far are with their observers.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        try
        {
            // What opens a window may find a threshold reached, which is queued behind the first mark.
            for (var round = 0; round < 2; round++)
            {
                var mark = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                await _waiting.Writer.WriteAsync(mark, cancellationToken).ConfigureAwait(false);
                await mark.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        catch (ChannelClosedException)
        {
            // Closed: they are passed on, or given up, by whoever closes.
        }
    }

    /// <summary>The last wait for observers, while the ledger is still open; what comes after it is passed on by <see cref="DisposeAsync"/> within the same few seconds.</summary>
    public async ValueTask DrainAsync()
    {
        _stopping.CancelAfter(s_farewell);
        try
        {
            await FlushAsync(_stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // An observer takes too long; the call that waits for the end has waited long enough.
        }
    }

    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await _passing.ConfigureAwait(false);
        await Task.WhenAll(_webhooks.Select(webhook => webhook.DisposeAsync().AsTask())).ConfigureAwait(false);
        _stopping.Dispose();
    }

    private async Task PassOnAsync()
    {
        await foreach (var item in _waiting.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            switch (item)
            {
                case BudgetNotice notice:
                    await PassOnAsync(notice).ConfigureAwait(false);
                    break;
                case Uncounted uncounted:
                    await OpenAsync(uncounted).ConfigureAwait(false);
                    break;
                case Doubtful doubtful:
                    await PassOnAsync(doubtful).ConfigureAwait(false);
                    break;
                case TaskCompletionSource mark:
                    mark.TrySetResult();
                    break;
            }
        }
    }

    private async ValueTask PassOnAsync(BudgetNotice notice)
    {
        Log.Noticed(_logger, notice);
        _telemetry.Noticed(notice);
        foreach (var webhook in _webhooks)
        {
            webhook.Send(notice);
        }

        foreach (var observer in _observers)
        {
            await TellAsync(observer, notice).ConfigureAwait(false);
        }
    }

    private async ValueTask PassOnAsync(Doubtful doubtful)
    {
        try
        {
            if (!await _store.NoticeAsync(doubtful.Window, doubtful.Mark, _stopping.Token).ConfigureAwait(false))
            {
                return;
            }
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            Log.StoreUnavailable(_logger, exception.Message);
            doubtful.WhenFailed();
            return;
        }

        await PassOnAsync(doubtful.Notice).ConfigureAwait(false);
    }

    private async ValueTask OpenAsync(Uncounted uncounted)
    {
        try
        {
            await _store.OpenWindowAsync(uncounted.Window, _stopping.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // The window is counted with the next call in it.
            Log.StoreUnavailable(_logger, exception.Message);
            uncounted.WhenFailed();
        }
    }

    private void Put(object item, Action whenFailed)
    {
        if (!_waiting.Writer.TryWrite(item))
        {
            whenFailed();
        }
    }

    private async ValueTask TellAsync(IBudgetObserver observer, BudgetNotice notice)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
        patience.CancelAfter(s_patience);
        try
        {
            // On a thread of its own: one that blocks would hold up the next notice, and the end, for as long as it likes.
            await Task.Run(() => observer.ObserveAsync(notice, patience.Token).AsTask(), CancellationToken.None).WaitAsync(patience.Token).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // Whatever an application's observer does, the next one and the next notice are not its business. Its message could quote anything.
            Log.ObserverFailed(_logger, observer.GetType().Name, exception.GetType().Name);
        }
    }

    /// <summary>A notice that another process may have given.</summary>
    private sealed record Doubtful(BudgetWindow Window, string Mark, BudgetNotice Notice, Action WhenFailed);

    /// <summary>A window that the ledger does not count yet.</summary>
    private sealed record Uncounted(BudgetWindow Window, Action WhenFailed);
}
