using System.Runtime.ExceptionServices;

namespace LlmCostCache.AI;

/// <summary>How one caller's question finds its answer, whichever door it came through: stored, about to come to somebody else, or by leading those who
/// ask the same.</summary>
/// <param name="cache">Where it looks.</param>
internal abstract class CacheSearch(ResponseCache cache)
{
    // Those who waited for a failed call try once more; when that fails too, all of them hear of it, or are served what has expired if they take it.
    public const int MostFailures = 2;

    private int _failures;

    public abstract CachePlan Plan { get; }

    /// <summary>What this question leads; null when it leads nobody.</summary>
    public CacheFlight? Flight { get; set; }

    /// <summary>Whether it is asked without looking left or right: what others got was not for it.</summary>
    public bool AsksAlone { get; set; }

    /// <summary>Hears how a call failed that this question was waiting for. What refused it on this side, a budget for instance, says nothing about this caller.</summary>
    /// <returns>Null when this caller tries again; the expired answer that stands in when it was the second failure.</returns>
    /// <exception cref="Exception">It was the second, and nothing stands in: the provider does not answer this question.</exception>
    public CacheHit? Heard(Exception? error, CancellationToken cancellationToken)
    {
        if (error is null or LlmCostException || ++_failures < MostFailures)
            return null;

        if (ProviderFailure.IsProviders(error, cancellationToken) && cache.FindStale(Plan, error.GetType().Name) is { } stale)
            return stale;

        ExceptionDispatchInfo.Throw(error);
        return null;
    }

    /// <summary>The expired answer that somebody else's call got instead of a stream, which broke before this question was shown any of it; null when it got none.</summary>
    public CacheHit? InsteadOf(LiveStream stream) =>
        stream is { Error: not null, Flight.Shared: { } shared } && cache.MayShare(shared, Plan) ? shared : null;

    /// <summary>The stored answer, the one that an identical call is about to get, or its stream; neither when this caller has to ask.</summary>
    /// <param name="readsAlong">Whether a stream can be read along.</param>
    /// <param name="insteadOfAsking">The answer, or the error, that stands in when nothing is stored; null for none.</param>
    /// <param name="cancellationToken">This caller's wish to stop.</param>
    public async ValueTask<(CacheHit? Hit, LiveStream.Reader? Live)> FindAsync(bool readsAlong, Func<CacheHit?>? insteadOfAsking, CancellationToken cancellationToken)
    {
        while (Plan.CanRead && !AsksAlone)
        {
            if (await cache.FindAsync(Plan, cancellationToken).ConfigureAwait(false) is { } hit)
                return (hit, null);

            if (insteadOfAsking?.Invoke() is { } other)
                return (other, null);

            var flight = cache.Enter(Plan.Key);
            if (flight.IsLeader)
            {
                Flight = flight;

                // Another leader may have landed between the look and the entry; what it bought is near.
                var late = cache.FindNear(Plan) ?? await cache.AwaitOtherProcessesAsync(Plan, flight, cancellationToken).ConfigureAwait(false);
                if (late is not null)
                    flight.Complete(late);

                return (late, null);
            }

            var (shared, live) = await flight.FollowAsync(readsAlong, cancellationToken).ConfigureAwait(false);
            if (live is not null)
            {
                if (!cache.IsInvalidated(live.Stream.Plan))
                    return (null, live);

                await live.DisposeAsync().ConfigureAwait(false);
                shared = await flight.WaitAsync(cancellationToken).ConfigureAwait(false);
            }

            if (shared is not null && cache.MayShare(shared, Plan))
                return (shared, null);

            AsksAlone = flight.IsUnshareable;
            if (Heard(flight.Error, cancellationToken) is { } stale)
                return (stale, null);
        }

        return default;
    }
}
