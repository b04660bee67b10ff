using System.Collections.Concurrent;

namespace LlmCostCache.AI;

/// <summary>Lets one caller ask while identical callers wait, or read along.</summary>
internal sealed class SingleFlight(TimeProvider time)
{
    private static readonly AsyncLocal<Flight?> s_leading = new();

    private readonly ConcurrentDictionary<CacheKey, Flight> _flights = new();
    private readonly TimeProvider _time = time;

    public CacheFlight Enter(CacheKey key)
    {
        var mine = new Flight(this, key);

        // No key, no company: questions that bypass the cache have nothing in common. And whoever asks, while it makes an answer, for that very
        // answer (a tool, for instance) would wait for itself.
        var flight = key.Equals(default) || Leads(key) ? mine : _flights.GetOrAdd(key, mine);
        return new CacheFlight(flight, isLeader: ReferenceEquals(flight, mine));
    }

    private bool Leads(CacheKey key)
    {
        for (var flight = s_leading.Value; flight is not null; flight = flight.Outer)
        {
            if (flight.IsOf(this, key))
                return true;
        }

        return false;
    }

    internal sealed class Flight(SingleFlight owner, CacheKey key)
    {
        // Continuations run elsewhere: the leader must not carry on with its followers' work.
        private readonly TaskCompletionSource<Landing> _landed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _moved = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Lock _lock = new();
        private CancellationTokenSource? _stop;
        private TaskCompletionSource? _parted;
        private int _followers;
        private bool _leaderLeft;
        private Action? _onLanding;

        public CacheKey Key => key;

        public TimeProvider Time => owner._time;

        public DateTimeOffset Now => owner._time.GetUtcNow();

        /// <summary>The flight within whose call this one was begun; null when there is none.</summary>
        public Flight? Outer { get; private set; }

        public Task<Landing> Landed => _landed.Task;

        /// <summary>Ends when there is something to look at: a stream to read along, or the outcome.</summary>
        public Task Moved => _moved.Task;

        public LiveStream? Stream { get; private set; }

        public bool IsOf(SingleFlight flights, CacheKey other) => ReferenceEquals(owner, flights) && key.Equals(other);

        /// <summary>Marks what is done from here, by the async method that calls this, as part of answering this question.</summary>
        public void SetLeading()
        {
            if (!ReferenceEquals(s_leading.Value, this))
            {
                Outer ??= s_leading.Value;
                s_leading.Value = this;
            }
        }

        public void Show(LiveStream stream)
        {
            Stream = stream;
            _moved.TrySetResult();
        }

        /// <summary>Does something when the question is answered or given up; at once when it is already.</summary>
        public void OnLanding(Action action)
        {
            lock (_lock)
            {
                if (!_landed.Task.IsCompleted)
                {
                    _onLanding += action;
                    return;
                }
            }

            action();
        }

        public void Land(Landing landing)
        {
            // First out of the table, so that whoever is woken finds room for a new leader.
            owner._flights.TryRemove(KeyValuePair.Create(key, this));
            Action? actions;
            lock (_lock)
            {
                if (!_landed.TrySetResult(landing))
                    return;

                actions = _onLanding;
            }

            _moved.TrySetResult();
            actions?.Invoke();
        }

        /// <summary>Takes a flight that gives no sign of life out of the way of those who still wait; it may land some day.</summary>
        public void GiveUp() => owner._flights.TryRemove(KeyValuePair.Create(key, this));

        /// <summary>The leader's call begins: it can be stopped with <paramref name="stop"/>, and <paramref name="parted"/> ends when it goes on
        /// without its leader.</summary>
        public void Begin(CancellationTokenSource stop, TaskCompletionSource parted)
        {
            lock (_lock)
            {
                (_stop, _parted) = (stop, parted);
            }
        }

        /// <summary>The leader was cancelled: its call is stopped, or goes on for those who wait.</summary>
        public void LeaderLeaves()
        {
            bool goesOn;
            lock (_lock)
            {
                _leaderLeft = true;
                goesOn = _followers > 0;
            }

            if (goesOn)
                _parted?.TrySetResult();
            else
                _stop?.Cancel();
        }

        public void Join()
        {
            lock (_lock)
            {
                _followers++;
            }
        }

        public void Leave()
        {
            lock (_lock)
            {
                if (--_followers > 0 || !_leaderLeft)
                    return;
            }

            _stop?.Cancel();
        }
    }
}
