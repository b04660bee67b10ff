using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>One caller's part in a question that several callers ask at once.</summary>
/// <remarks>
/// The leader asks and then completes or abandons; disposing it without either abandons. A follower waits; null means that the leader gave
/// up and the follower should enter again. Nobody's cancellation reaches anybody else.
/// </remarks>
internal sealed class CacheFlight : IDisposable
{
    // A reader that stops in the middle of a stream, for instance to ask the same question again, would keep those who wait for ever.
    private static readonly TimeSpan s_longestHold = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(1);

    private readonly SingleFlight.Flight _flight;

    internal CacheFlight(SingleFlight.Flight flight, bool isLeader)
    {
        _flight = flight;
        IsLeader = isLeader;
    }

    public bool IsLeader { get; }

    /// <summary>Whether the leader got an answer that only it may have: those who waited ask for themselves, all at once.</summary>
    public bool IsUnshareable => _flight.IsUnshareable;

    /// <summary>Whether this follower stopped waiting because the leader's reader does not read on: it asks for itself.</summary>
    public bool GaveUp { get; private set; }

    /// <summary>The leader's reader has got a piece of the answer, and comes back for the next one with <see cref="Resume"/>.</summary>
    public void Hold() => _flight.Hold();

    public void Resume() => _flight.Resume();

    /// <summary>Ends the flight with an answer that only the leader may have.</summary>
    public void CompleteUnshareable()
    {
        if (IsLeader)
        {
            _flight.IsUnshareable = true;
            _flight.Land(null);
        }
    }

    /// <summary>Shares an answer that came from the cache after all.</summary>
    public void Complete(CacheHit hit)
    {
        if (IsLeader)
            _flight.Land(hit.Answer);
    }

    /// <summary>Shares an answer that was just bought, or abandons when it is not fit to be shared.</summary>
    /// <returns>Null when it was shared, else the reason.</returns>
    public string? Complete(CachePlan plan, ChatResponse response, CallCost cost, Purchase? purchase = null)
    {
        if (!IsLeader)
            return "only the leader shares";

        StoredAnswer? answer = null;
        try
        {
            var whyNot = plan.Policy.WhyNotStore(response);
            answer = whyNot is null ? StoredAnswer.TryCopy(response, plan, cost, _flight.Now, purchase) : null;
            return whyNot ?? (answer is null ? "the answer cannot be copied" : null);
        }
        finally
        {
            _flight.IsUnshareable = answer is null;
            _flight.Land(answer);
        }
    }

    /// <summary>Gives up: those who wait try for themselves, one after the other becoming the leader.</summary>
    public void Abandon()
    {
        if (IsLeader)
            _flight.Land(null);
    }

    /// <summary>Waits for the leader; null when it, or this follower, gave up.</summary>
    /// <exception cref="OperationCanceledException">This caller was cancelled; the leader was not.</exception>
    public async ValueTask<CacheHit?> WaitAsync(CancellationToken cancellationToken)
    {
        var landed = _flight.Landed;
        using (var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
        {
            while (!landed.IsCompleted)
            {
                await Task.WhenAny(landed, Task.Delay(s_look, _flight.Time, stop.Token)).ConfigureAwait(false);
                cancellationToken.ThrowIfCancellationRequested();
                if (!landed.IsCompleted && _flight.HeldFor > s_longestHold)
                {
                    GaveUp = true;
                    return null;
                }
            }

            await stop.CancelAsync().ConfigureAwait(false);
        }

        return await landed.ConfigureAwait(false) is { } answer ? new CacheHit(answer, CacheLayer.Coalesced, _flight.Key) : null;
    }

    public void Dispose() => Abandon();
}
