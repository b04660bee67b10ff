namespace LlmCostCache.AI;

/// <summary>A call that the budgets let through: its reservation, and what they changed about it. Voided on disposal unless an attempt has taken it.</summary>
internal sealed class BudgetPass(BudgetGuard guard, AttemptHold hold) : IAsyncDisposable
{
    private AttemptHold? _unused = hold.ReservationId is null ? null : hold;
    private int _isOver;

    public BudgetGuard Guard { get; } = guard;

    /// <summary>What was admitted: model and output limit may differ from what was asked for.</summary>
    public BudgetDemand Demand { get; } = hold.Demand;

    /// <summary>Whether there were budgets when the call was admitted; without any, nothing is held for its attempts.</summary>
    public bool IsWatched { get; init; } = true;

    /// <summary>Whether the call it was made for has ended: another try of it further out is admitted anew.</summary>
    public bool IsOver => Volatile.Read(ref _isOver) != 0;

    /// <summary>The cheaper model that a budget asked for instead; null when none did.</summary>
    public string? FallbackModel { get; init; }

    /// <summary>What the budgets changed, for <see cref="CallCost.Reason"/>.</summary>
    public string? Note { get; init; }

    /// <summary>
    /// What is held for an attempt. The first attempt takes the reservation that was made for the call; a later one, or one that turns out to ask another model or to send more than
    /// was admitted, gets a reservation of its own before it is sent.
    /// </summary>
    /// <exception cref="BudgetExceededException">The further attempt does not fit.</exception>
    /// <param name="actual">What is really sent.</param>
    /// <param name="takenOver">What is held for the attempt of a meter further out that had been made for the same request.</param>
    /// <param name="span">Where a refusal is shown.</param>
    /// <param name="cancellationToken">Ends the wait for other calls' reservations.</param>
    public async ValueTask<AttemptHold> TakeAsync(BudgetDemand actual, AttemptHold? takenOver, CallSpan span, CancellationToken cancellationToken)
    {
        if ((takenOver ?? Interlocked.Exchange(ref _unused, null)) is { } held)
        {
            if (held.Covers(actual))
            {
                return held;
            }

            if (held.ReservationId is { } tooLittle)
            {
                await Guard.VoidAsync(tooLittle).ConfigureAwait(false);
            }
        }

        return await Guard.HoldAsync(actual, span, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync()
    {
        Volatile.Write(ref _isOver, 1);
        return Interlocked.Exchange(ref _unused, null) is { } unused ? Guard.VoidAsync(unused.ReservationId!) : ValueTask.CompletedTask;
    }
}
