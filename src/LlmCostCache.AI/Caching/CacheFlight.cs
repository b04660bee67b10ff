using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>One caller's part in a question that several callers ask at once.</summary>
/// <remarks>
/// The leader asks and then completes, fails or abandons; disposing it without any of these abandons. A follower waits, or reads along; when
/// it gets nothing it enters again or asks for itself. Nobody's cancellation reaches anybody else.
/// </remarks>
internal sealed class CacheFlight : IDisposable
{
    /// <summary>How long a follower waits for a sign of life. The clients of most providers give up after 100 seconds.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly SingleFlight.Flight _flight;

    internal CacheFlight(SingleFlight.Flight flight, bool isLeader)
    {
        _flight = flight;
        IsLeader = isLeader;
    }

    public bool IsLeader { get; }

    /// <summary>Whether this follower asks for itself: the leader got an answer that only it may have.</summary>
    public bool IsUnshareable { get; private set; }

    /// <summary>The answer that the flight has landed with; null when it has none, or flies.</summary>
    public CacheHit? Shared => _flight.Landed is { IsCompletedSuccessfully: true, Result: var landing } ? HitOf(landing) : null;

    /// <summary>What the leader's call threw; null when it did not fail.</summary>
    public Exception? Error { get; private set; }

    /// <summary>Marks what the calling async method does from here as part of answering this question.</summary>
    public void SetLeading() => _flight.SetLeading();

    /// <summary>Lets followers read the leader's stream.</summary>
    public void Show(LiveStream stream)
    {
        if (IsLeader)
            _flight.Show(stream);
    }

    /// <summary>Does something when the question is answered or given up.</summary>
    public void OnLanding(Action action) => _flight.OnLanding(action);

    /// <summary>Ends the flight with an answer that only the leader may have.</summary>
    public void CompleteUnshareable() => Land(Landing.Unshareable);

    /// <summary>Shares an answer that came from the cache after all.</summary>
    public void Complete(CacheHit hit) => Land(new Landing { Answer = hit.Answer, StaleReason = hit.StaleReason });

    /// <summary>Shares an answer that was just bought, or abandons when it is not fit to be shared.</summary>
    /// <param name="plan">What the cache does for the question.</param>
    /// <param name="response">The answer.</param>
    /// <param name="cost">What it cost.</param>
    /// <param name="purchase">On which terms it was bought; null when nobody saw them.</param>
    /// <param name="stored">The copy of it that the cache keeps; null when it keeps none, which need not keep it from those who wait.</param>
    /// <returns>Null when it was shared, else the reason.</returns>
    public string? Complete(CachePlan plan, ChatResponse response, CallCost cost, Purchase? purchase = null, StoredAnswer? stored = null)
    {
        if (!IsLeader)
            return "only the leader shares";

        if (stored is not null)
        {
            Land(new Landing { Answer = stored });
            return null;
        }

        StoredAnswer? answer = null;
        try
        {
            var whyNot = plan.Policy.WhyNotStore(response);
            answer = whyNot is null ? StoredAnswer.TryCopy(response, plan, cost, _flight.Now, purchase) : null;
            return whyNot ?? (answer is null ? "the answer cannot be copied" : null);
        }
        finally
        {
            Land(answer is null ? Landing.Unshareable : new Landing { Answer = answer });
        }
    }

    /// <summary>The leader's call failed.</summary>
    public void Fail(Exception error) => Land(new Landing { Error = error });

    /// <summary>Gives up: those who wait try for themselves, one after the other becoming the leader.</summary>
    public void Abandon() => Land(Landing.Abandoned);

    /// <summary>Makes the leader's call. When the leader is cancelled while others wait, the call goes on for them.</summary>
    public async Task<T> LeadAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        var stop = new CancellationTokenSource();
        var parted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _flight.Begin(stop, parted);
        var answer = Run(call, stop.Token);
        using (cancellationToken.UnsafeRegister(static flight => ((SingleFlight.Flight)flight!).LeaderLeaves(), _flight))
        {
            if (await Task.WhenAny(answer, parted.Task) == answer || answer.IsCompleted)
            {
                try
                {
                    return await answer;
                }
                catch (OperationCanceledException exception) when (cancellationToken.IsCancellationRequested)
                {
                    // The caller looks for its own token.
                    throw new TaskCanceledException(exception.Message, exception, cancellationToken);
                }
            }
        }

        // Whoever still waits hears of a failure from the flight.
        _ = answer.ContinueWith(static failed => _ = failed.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        throw new TaskCanceledException(null, null, cancellationToken);
    }

    /// <summary>Waits for the leader; null when it, or this follower, gave up.</summary>
    /// <exception cref="OperationCanceledException">This caller was cancelled; the leader was not.</exception>
    public async ValueTask<CacheHit?> WaitAsync(CancellationToken cancellationToken)
    {
        var (hit, _) = await FollowAsync(readsAlong: false, cancellationToken).ConfigureAwait(false);
        return hit;
    }

    /// <summary>Waits for the leader's answer, or for a stream to read along when <paramref name="readsAlong"/>.</summary>
    public async ValueTask<(CacheHit? Hit, LiveStream.Reader? Live)> FollowAsync(bool readsAlong, CancellationToken cancellationToken)
    {
        _flight.Join();
        try
        {
            await _flight.Moved.WaitAsync(Patience, _flight.Time, cancellationToken).ConfigureAwait(false);
            if (!_flight.Landed.IsCompleted && _flight.Stream?.TryJoin() is { } reader)
            {
                if (readsAlong && reader.IsLive)
                    return (null, reader);

                // Nobody has to read: the pieces are fetched, so that a leader that reads slowly, or no more, keeps nobody waiting.
                await using (reader.ConfigureAwait(false))
                {
                    await reader.DrainAsync(_flight.Landed, cancellationToken).ConfigureAwait(false);
                }
            }

            var landing = await _flight.Landed.WaitAsync(Patience, _flight.Time, cancellationToken).ConfigureAwait(false);
            IsUnshareable = landing.IsUnshareable;
            Error = landing.Error;
            return (HitOf(landing), null);
        }
        catch (TimeoutException)
        {
            // Whoever comes back first leads anew, the others wait for it: not all of them ask at once.
            _flight.GiveUp();
            return default;
        }
        finally
        {
            _flight.Leave();
        }
    }

    public void Dispose() => Abandon();

    private async Task<T> Run<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        _flight.SetLeading();
        return await call(cancellationToken);
    }

    private CacheHit? HitOf(Landing landing) =>
        landing.Answer is { } answer ? new CacheHit(answer, CacheLayer.Coalesced, _flight.Key) { StaleReason = landing.StaleReason } : null;

    private void Land(Landing landing)
    {
        if (IsLeader)
            _flight.Land(landing);
    }
}
