namespace LlmCostCache.AI;

/// <summary>A call that the budgets let through: its reservation, and what they changed about it. Voided on disposal unless an attempt has taken it.</summary>
internal sealed class BudgetPass(BudgetGuard guard, BudgetDemand demand, string? reservationId, Money reserved) : IAsyncDisposable
{
    private string? _reservationId = reservationId;
    private int _isOver;

    public BudgetGuard Guard { get; } = guard;

    /// <summary>What was admitted: model and output limit may differ from what was asked for.</summary>
    public BudgetDemand Demand { get; } = demand;

    /// <summary>The most that the admitted attempt can cost; zero when nothing had to be held.</summary>
    public Money Reserved { get; } = reserved;

    /// <summary>The least that any budget that refuses holds for it: less than <see cref="Reserved"/> where a budget is balanced. Null when none holds anything.</summary>
    public Money? Held { get; init; }

    /// <summary>When it was held; null when nothing was.</summary>
    public DateTimeOffset? ReservedAt { get; init; }

    /// <summary>Whether there were budgets when the call was admitted; without any, nothing is held for its attempts.</summary>
    public bool IsWatched { get; init; } = true;

    /// <summary>Whether one of the budgets of money that counted the call refuses.</summary>
    public bool IsEnforced { get; init; }

    /// <summary>Whether one of the budgets of money or tokens is strict: then the hold is the most that the call may take, and a stream is cut at it.</summary>
    public bool IsStrict { get; init; }

    /// <summary>Whether the call it was made for has ended: another try of it further out is admitted anew.</summary>
    public bool IsOver => Volatile.Read(ref _isOver) != 0;

    /// <summary>The cheaper model that a budget asked for instead; null when none did.</summary>
    public string? FallbackModel { get; init; }

    /// <summary>What the budgets changed, for <see cref="CallCost.Reason"/>.</summary>
    public string? Note { get; init; }

    /// <summary>
    /// The id under which an attempt is recorded, and when its amount was held. The first attempt takes the reservation that was made for it; a later one, or one that turns out to ask
    /// another model or to send more than was admitted, gets a reservation of its own before it is sent.
    /// </summary>
    /// <exception cref="BudgetExceededException">The further attempt does not fit.</exception>
    /// <param name="actual">What is really sent.</param>
    /// <param name="takenOver">The id of an attempt that a meter further out had made for the same request.</param>
    /// <param name="span">Where a refusal is shown.</param>
    /// <param name="cancellationToken">Ends the wait for other calls' reservations.</param>
    public async ValueTask<(string Id, DateTimeOffset? At)> TakeAsync(BudgetDemand actual, string? takenOver, CallSpan span, CancellationToken cancellationToken)
    {
        var admitted = takenOver ?? Interlocked.Exchange(ref _reservationId, null);
        if (admitted is not null)
        {
            if (IsCovered(actual))
            {
                return (admitted, takenOver is null ? ReservedAt : null);
            }

            await Guard.VoidAsync(admitted).ConfigureAwait(false);
        }

        var (id, at) = await Guard.HoldAsync(actual, span, cancellationToken).ConfigureAwait(false);
        return (id ?? CallToken.NewId(), at);
    }

    public ValueTask DisposeAsync()
    {
        Volatile.Write(ref _isOver, 1);
        return Interlocked.Exchange(ref _reservationId, null) is { } unused ? Guard.VoidAsync(unused) : ValueTask.CompletedTask;
    }

    private bool IsCovered(BudgetDemand actual) => actual.Model == Demand.Model && actual.Client.ProviderName == Demand.Client.ProviderName
        && actual.Size.TokenBound <= Demand.Size.TokenBound && actual.Size.Choices <= Demand.Size.Choices && actual.Size.WebSearches <= Demand.Size.WebSearches
        && (actual.Size.Unbounded is null || Demand.Size.Unbounded is not null)
        && actual.MaxOutputTokens == Demand.MaxOutputTokens && actual.ServiceTier == Demand.ServiceTier && actual.IsAggregated == Demand.IsAggregated;
}
