using System.Collections.Concurrent;

namespace LlmCostCache.AI;

/// <summary>Lets one caller ask while identical callers wait.</summary>
internal sealed class SingleFlight(TimeProvider time)
{
    private readonly ConcurrentDictionary<CacheKey, Flight> _flights = new();
    private readonly TimeProvider _time = time;

    public CacheFlight Enter(CacheKey key)
    {
        var mine = new Flight(this, key);

        // No key, no company: questions that bypass the cache have nothing in common.
        var flight = key.Equals(default) ? mine : _flights.GetOrAdd(key, mine);
        return new CacheFlight(flight, isLeader: ReferenceEquals(flight, mine));
    }

    internal sealed class Flight(SingleFlight owner, CacheKey key)
    {
        // Continuations run elsewhere: the leader must not carry on with its followers' work.
        private readonly TaskCompletionSource<StoredAnswer?> _landed = new(TaskCreationOptions.RunContinuationsAsynchronously);

        private long _heldSince;

        public CacheKey Key => key;

        public TimeProvider Time => owner._time;

        public DateTimeOffset Now => owner._time.GetUtcNow();

        /// <summary>How long the leader's reader has been busy with one piece of the answer.</summary>
        public TimeSpan HeldFor => Interlocked.Read(ref _heldSince) is var since and not 0 ? owner._time.GetElapsedTime(since - 1) : TimeSpan.Zero;

        public bool IsUnshareable { get; set; }

        public Task<StoredAnswer?> Landed => _landed.Task;

        public void Hold() => Interlocked.Exchange(ref _heldSince, owner._time.GetTimestamp() + 1);

        public void Resume() => Interlocked.Exchange(ref _heldSince, 0);

        public void Land(StoredAnswer? answer)
        {
            // First out of the table, so that whoever is woken by null finds room for a new leader.
            owner._flights.TryRemove(KeyValuePair.Create(key, this));
            _landed.TrySetResult(answer);
        }
    }
}
