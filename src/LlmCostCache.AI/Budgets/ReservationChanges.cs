namespace LlmCostCache.AI;

/// <summary>Wakes the calls that wait for others' reservations. What other processes give back is found by looking again now and then.</summary>
internal sealed class ReservationChanges(TimeProvider time)
{
    public static readonly TimeSpan ShortestPoll = TimeSpan.FromMilliseconds(10);
    public static readonly TimeSpan LongestPoll = TimeSpan.FromMilliseconds(250);

    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends with the next change. Taken before the look at the balances, so that no change is missed in between.</summary>
    public Task Next => _changed.Task;

    public void Signal() => Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();

    /// <summary>Waits for a change, but not longer than <paramref name="poll"/>.</summary>
    public async ValueTask WaitAsync(Task changed, TimeSpan poll, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(changed, Task.Delay(poll, time, timeout.Token)).ConfigureAwait(false);
        await timeout.CancelAsync().ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>How long to wait after having waited so long: twice as long, within bounds.</summary>
    public static TimeSpan After(TimeSpan poll) => poll * 2 < LongestPoll ? poll * 2 : LongestPoll;
}
