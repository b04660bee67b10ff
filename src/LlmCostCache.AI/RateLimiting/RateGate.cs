namespace LlmCostCache.AI;

/// <summary>
/// Lets requests pass when all their limits have room, first come, first served. A request takes what it needs of all its limits at one moment or of none, so
/// that whoever gives up has nothing to give back. It waits at the first limit that lacks room, the narrowest first, and keeps its place there until it passes:
/// a user who has used up his own limit stands in nobody's way at a common one, and nobody is overtaken for ever.
/// </summary>
/// <remarks>One lock, no call out of it; nothing here knows what a request is.</remarks>
internal sealed class RateGate : IDisposable
{
    private const int FewWindows = 1_024;

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly long _openedAt;
    private readonly ITimer _timer;
    private readonly Dictionary<(RateLimit Limit, string Partition), RateWindow> _windows = [];
    private readonly LinkedList<Waiter> _queue = new();
    private int _sweepAt = FewWindows;
    private long _round;
    private long _dueAt = long.MaxValue;
    private bool _isClosed;

    public RateGate(TimeProvider time)
    {
        _time = time;
        _openedAt = time.GetTimestamp();
        _timer = time.CreateTimer(static gate => ((RateGate)gate!).Advance(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>How many counts are kept; those that are as good as new are forgotten.</summary>
    internal int Windows
    {
        get
        {
            lock (_lock)
            {
                return _windows.Count;
            }
        }
    }

    /// <summary>How many wait.</summary>
    internal int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _queue.Count;
            }
        }
    }

    private long Now => _time.GetElapsedTime(_openedAt).Ticks;

    /// <summary>Waits for the turn of a request, or says why it does not get one.</summary>
    /// <param name="claims">What it needs, the narrowest limit first.</param>
    /// <param name="maxWaiting">How many may wait for a limit.</param>
    /// <param name="maxWait">How long it may wait.</param>
    /// <param name="cancellationToken">Leaves the queue.</param>
    public ValueTask<RateEntry> EnterAsync(RateClaim[] claims, int maxWaiting, TimeSpan maxWait, CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            var now = Now;
            foreach (var claim in claims)
            {
                if (claim.Amount > claim.Limit.Burst)
                {
                    return ValueTask.FromResult(new RateEntry(null, TimeSpan.Zero, claim, RateRefusal.TooLarge));
                }
            }

            // Before the first is looked up: one that a call was just given and has not taken from is as good as new, too.
            Forget_NeedsLock(now);
            var windows = Array.ConvertAll(claims, Window_NeedsLock);
            var lacking = -1;
            for (var i = 0; i < claims.Length && lacking < 0; i++)
            {
                lacking = windows[i].Waiting > 0 || windows[i].WaitFor(claims[i].Amount, now) > 0 ? i : -1;
            }

            if (lacking < 0)
            {
                return ValueTask.FromResult(new RateEntry(Take_NeedsLock(windows, claims, now), TimeSpan.Zero));
            }

            var least = TimeSpan.FromTicks(windows[lacking].WaitBehindAll(claims[lacking].Amount, now));
            if (windows[lacking].Waiting >= maxWaiting || least > maxWait || maxWait == TimeSpan.Zero)
            {
                var reason = least > maxWait || maxWait == TimeSpan.Zero ? RateRefusal.WaitTooLong : RateRefusal.QueueFull;
                return ValueTask.FromResult(new RateEntry(null, TimeSpan.Zero, claims[lacking], reason, least));
            }

            waiter = new Waiter(windows, claims, now, now + maxWait.Ticks);
            waiter.Node = _queue.AddLast(waiter);
            Array.ForEach(windows, static window => window.UnderWay++);
            waiter.Join(lacking);

            // Whoever is ahead has set the clock for himself; nobody can pass because somebody came.
            var wait = windows[lacking].Waiting == 1 ? windows[lacking].WaitFor(claims[lacking].Amount, now) : long.MaxValue;
            Wake_NeedsLock(Math.Min(waiter.Until, wait == long.MaxValue ? wait : now + wait), now);
        }

        waiter.LeavesWith(Abandon, cancellationToken);
        return new ValueTask<RateEntry>(waiter.Ended.Task);
    }

    /// <summary>Replaces estimates by what was used, and lets those pass who fit now.</summary>
    public void Correct(RatePass pass, Func<RateClaim, long> actual)
    {
        lock (_lock)
        {
            var now = Now;
            for (var i = 0; i < pass.Windows.Length; i++)
            {
                var difference = actual(pass.Claims[i]) - pass.Claims[i].Amount;
                if (difference != 0)
                {
                    pass.Windows[i].Correct(pass.Stamps[i], difference, now);
                }

                pass.Windows[i].UnderWay--;
            }

            Pass_NeedsLock(now);
        }
    }

    /// <summary>Who waits is told that nobody will open any more.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _isClosed = true;
            while (_queue.First is { Value: var waiter })
            {
                Leave_NeedsLock(waiter);
                waiter.Ended.TrySetException(new ObjectDisposedException(nameof(LlmCosts)));
            }

            _windows.Clear();
        }

        _timer.Dispose();
    }

    private void Abandon(Waiter waiter, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (waiter.Node is not null)
            {
                Leave_NeedsLock(waiter);
                waiter.Ended.TrySetCanceled(cancellationToken);
                Pass_NeedsLock(Now);
            }
        }
    }

    private void Advance()
    {
        lock (_lock)
        {
            if (!_isClosed)
            {
                Pass_NeedsLock(Now);
            }
        }
    }

    /// <summary>Goes through the queue from its head, and sets the clock for the next time that somebody can pass or has waited enough.</summary>
    private void Pass_NeedsLock(long now)
    {
        if (_queue.Count == 0)
        {
            // Also when the last one left by himself: else the time he had set the clock for would stand, and whoever comes after it would never be woken.
            _dueAt = long.MaxValue;
            return;
        }

        _round++;
        var next = long.MaxValue;
        for (var node = _queue.First; node is not null;)
        {
            var waiter = node.Value;
            node = node.Next;
            var lacking = -1;
            for (var i = 0; i < waiter.Claims.Length && lacking < 0; i++)
            {
                if (waiter.Windows[i].BlockedInRound == _round)
                {
                    lacking = i;
                }
                else if (waiter.Windows[i].WaitFor(waiter.Claims[i].Amount, now) is > 0 and var wait)
                {
                    lacking = i;
                    next = Math.Min(next, now + wait);
                }
            }

            if (lacking < 0)
            {
                Leave_NeedsLock(waiter);
                waiter.Ended.TrySetResult(new RateEntry(Take_NeedsLock(waiter.Windows, waiter.Claims, now), TimeSpan.FromTicks(now - waiter.Since)));
                continue;
            }

            if (now >= waiter.Until)
            {
                Leave_NeedsLock(waiter);
                var again = TimeSpan.FromTicks(waiter.Windows[lacking].WaitBehindAll(waiter.Claims[lacking].Amount, now));
                waiter.Ended.TrySetResult(new RateEntry(null, TimeSpan.FromTicks(now - waiter.Since), waiter.Claims[lacking], RateRefusal.WaitTooLong, again));
                continue;
            }

            waiter.Join(lacking);
            waiter.Block(_round);
            next = Math.Min(next, waiter.Until);
        }

        _dueAt = long.MaxValue;
        Wake_NeedsLock(next, now);
    }

    private void Wake_NeedsLock(long at, long now)
    {
        if (at < _dueAt)
        {
            // A timer counts whole milliseconds and may be a little early; the queue is then looked through in vain, and it is set again.
            _dueAt = at;
            var wait = (at - now + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond;
            _timer.Change(TimeSpan.FromMilliseconds(Math.Max(wait, 1)), Timeout.InfiniteTimeSpan);
        }
    }

    private RatePass Take_NeedsLock(RateWindow[] windows, RateClaim[] claims, long now)
    {
        var stamps = new long[claims.Length];
        for (var i = 0; i < claims.Length; i++)
        {
            stamps[i] = windows[i].Take(claims[i].Amount, now);
            windows[i].UnderWay++;
        }

        return new RatePass(this, windows, claims, stamps);
    }

    private void Leave_NeedsLock(Waiter waiter)
    {
        _queue.Remove(waiter.Node!);
        waiter.Node = null;
        waiter.Leave();
    }

    private RateWindow Window_NeedsLock(RateClaim claim)
    {
        var key = (claim.Limit, claim.Partition);
        return _windows.TryGetValue(key, out var window) ? window : _windows[key] = RateWindow.Of(claim.Limit);
    }

    /// <summary>A limit for each session makes a count for each session: those that have nothing in them any more are forgotten.</summary>
    private void Forget_NeedsLock(long now)
    {
        if (_windows.Count < _sweepAt)
        {
            return;
        }

        foreach (var (key, window) in _windows)
        {
            if (window is { Waiting: 0, UnderWay: 0 } && window.IsFresh(now))
            {
                _windows.Remove(key);
            }
        }

        _sweepAt = Math.Max(FewWindows, 2 * _windows.Count);
    }

    private sealed class Waiter(RateWindow[] windows, RateClaim[] claims, long since, long until)
    {
        private readonly bool[] _joined = new bool[claims.Length];
        private CancellationTokenRegistration _cancellation;

        public RateWindow[] Windows { get; } = windows;

        public RateClaim[] Claims { get; } = claims;

        public long Since { get; } = since;

        public long Until { get; } = until;

        public LinkedListNode<Waiter>? Node { get; set; }

        public TaskCompletionSource<RateEntry> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>
        /// Waits at the limit that lacks room, and keeps its place at the narrower ones. At a wider one for which it had waited before, it would hold up others for want of something of its own; there
        /// it is again before all who came later as soon as that is there.
        /// </summary>
        public void Join(int lacking)
        {
            if (!_joined[lacking])
            {
                _joined[lacking] = true;
                Windows[lacking].Join(Claims[lacking].Amount);
            }

            for (var i = lacking + 1; i < _joined.Length; i++)
            {
                if (_joined[i])
                {
                    _joined[i] = false;
                    Windows[i].Leave(Claims[i].Amount);
                }
            }
        }

        public void Block(long round)
        {
            for (var i = 0; i < _joined.Length; i++)
            {
                if (_joined[i])
                {
                    Windows[i].BlockedInRound = round;
                }
            }
        }

        /// <summary>Set outside the lock: a token that is cancelled already calls back at once.</summary>
        public void LeavesWith(Action<Waiter, CancellationToken> abandon, CancellationToken cancellationToken)
        {
            if (cancellationToken.CanBeCanceled)
            {
                _cancellation = cancellationToken.UnsafeRegister(static (state, token) =>
                {
                    var (waiter, abandon) = ((Waiter, Action<Waiter, CancellationToken>))state!;
                    abandon(waiter, token);
                }, (this, abandon));
                if (Ended.Task.IsCompleted)
                {
                    _cancellation.Unregister();
                }
            }
        }

        public void Leave()
        {
            // Not disposed: that would wait for a callback that waits for the lock which is held here.
            _cancellation.Unregister();
            for (var i = 0; i < _joined.Length; i++)
            {
                Windows[i].UnderWay--;
                if (_joined[i])
                {
                    Windows[i].Leave(Claims[i].Amount);
                }
            }
        }
    }
}
