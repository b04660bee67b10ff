using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>Answers in any <see cref="IDistributedCache"/>. A slow or dead one keeps callers waiting once, together, for
/// <see cref="LlmCostsOptions.DistributedCacheTimeout"/>; after that they go on without it until a look in the background finds it well.</summary>
internal sealed class DistributedLayer : IAsyncDisposable
{
    /// <summary>How many keys of a batch are looked up at once.</summary>
    public const int MostAtOnce = 32;

    // A batch is worth more than one wait, as it saves more than one question; but not one after the other for every text.
    private const int MostWaits = 4;
    private const int QueuedWrites = 1_000;
    private const long QueuedBytes = 64 << 20;
    private const int OwedStamps = 1_000;

    private static readonly TimeSpan s_writeWithin = TimeSpan.FromSeconds(2);

    // Long enough to make a connection. Nobody waits for it.
    private static readonly TimeSpan s_connectWithin = TimeSpan.FromSeconds(10);

    private readonly SharedStore _store;
    private readonly SharedStamps _stamps;
    private readonly LayerBreaker _breaker;
    private readonly Invalidations _invalidations;
    private readonly string _prefix;
    private readonly AnswerSeal _seal;
    private readonly TimeSpan _limit;
    private readonly TimeProvider _time;
    private readonly Action<string> _failed;
    private readonly BlockingCollection<QueuedWrite> _writes = new(QueuedWrites);
    private readonly ConcurrentDictionary<Invalidations.Scope, long> _owed = new();
    private readonly Thread _writer;
    private CancellationTokenSource _untilLeftAlone = new();
    private long _queuedBytes;
    private long _wastedTicks;
    private int _isWatching;

    public DistributedLayer(IDistributedCache cache, LlmCostsOptions options, Invalidations invalidations, ILogger logger, Action<string> failed,
        AnswerSeal seal)
    {
        _seal = seal;
        _time = options.TimeProvider;
        _limit = options.DistributedCacheTimeout;
        _invalidations = invalidations;
        _failed = failed;
        _breaker = new LayerBreaker(CacheLayer.Distributed, _time, logger);

        // Keys already contain the namespace; the names of invalidations need it too.
        _prefix = $"llmcostcache:1:{seal.SharedPrefix(options.CacheNamespace)}:";
        _store = new SharedStore(cache);
        _stamps = new SharedStamps(_store, _prefix, seal, _time, Repair);
        _writer = new Thread(Write) { IsBackground = true, Name = "LlmCostCache.AI distributed cache" };
        _writer.Start();
        _ = ConnectAsync();
    }

    /// <summary>Told of each key that another machine forgot, and of what was asked up to when; whoever holds it elsewhere than in memory lets go of it.</summary>
    public Action<CacheKey, long>? KeyForgotten { get; init; }

    /// <summary>Whether callers go on without it for now.</summary>
    public bool IsLeftAlone => _breaker.IsLeftAlone;

    /// <summary>An answer that no other machine has invalidated, or null.</summary>
    public ValueTask<StoredAnswer?> FindAsync(CacheKey key, CancellationToken cancellationToken)
    {
        if (!_breaker.IsLeftAlone)
            return new(FindWithinAsync(key, cancellationToken));

        if (_breaker.TryProbe())
            _ = ProbeAsync();

        return default;
    }

    /// <summary>The same for the questions of a batch, several at once. The whole batch waits a few times as long as one question at most; what was
    /// not reached by then counts as not known.</summary>
    public async ValueTask<StoredAnswer?[]> FindAsync(IReadOnlyList<CacheKey> keys, CancellationToken cancellationToken)
    {
        var answers = new StoredAnswer?[keys.Count];
        var began = Stopwatch.GetTimestamp();
        var next = -1;
        await Task.WhenAll(Enumerable.Range(0, Math.Min(MostAtOnce, keys.Count)).Select(_ => LookAsync())).ConfigureAwait(false);
        if (next < keys.Count - 1)
            _failed("a batch took too long");

        return answers;

        async Task LookAsync()
        {
            while (Stopwatch.GetElapsedTime(began) < _limit * MostWaits && Interlocked.Increment(ref next) is var i && i < keys.Count)
                answers[i] = await FindAsync(keys[i], cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>An answer was found in memory or on the disk: learns in the background whether another machine has invalidated it, so that
    /// it is found for a second or so longer at most.</summary>
    public void Watch(CacheKey key, StoredAnswer answer)
    {
        if (!_breaker.IsLeftAlone && !_stamps.IsCalm(answer) && Interlocked.Exchange(ref _isWatching, 1) == 0)
            _ = WatchAsync(key, answer);
    }

    public void Put(CacheKey key, StoredAnswer answer)
    {
        var timeToLive = answer.KeptUntil - _time.GetUtcNow();
        if (timeToLive <= TimeSpan.Zero || _breaker.IsLeftAlone)
            return;

        Enqueue(new(token => WriteAsync(key, answer, timeToLive, token), Done: null, answer.SizeInMemory()));
    }

    public Task RemoveAsync(CacheKey key) => DoAsync(token => _store.RemoveAsync(NameOf(key), token));

    /// <summary>Leaves a stamp that every machine compares with what it reads from here. While the layer is left alone the stamp is owed, and
    /// written before anything else once it is back.</summary>
    public Task InvalidateAsync(Invalidations.Scope scope, long stamp)
    {
        Owe(scope, stamp);
        return scope.Kind == Invalidations.Kind.Key && CacheKey.TryParse(scope.Name, out var key) ? RemoveAsync(key) : DoAsync(write: null);
    }

    /// <summary>Waits until what is queued so far has been tried.</summary>
    public Task FlushAsync() => DoAsync(write: null);

    public async ValueTask DisposeAsync()
    {
        _writes.CompleteAdding();
        if (!await Task.Run(() => _writer.Join(TimeSpan.FromSeconds(10))).ConfigureAwait(false))
            _failed("the queue could not be written before closing");
        else if (!_owed.IsEmpty)
            _failed("an invalidation could not be written before closing");
    }

    private Task WriteAsync(CacheKey key, StoredAnswer answer, TimeSpan timeToLive, CancellationToken cancellationToken)
    {
        var frame = AnswerFrame.Encode(key, answer, _seal);
        if (frame.Length <= AnswerFrame.MaxBytes)
            return _store.WriteAsync(NameOf(key), frame, timeToLive, cancellationToken, answer.SlidingFor);

        // Whoever found it would not read it.
        _failed("an answer is too large for the store");
        return Task.CompletedTask;
    }

    private string NameOf(CacheKey key) => _prefix + key;

    private async Task<StoredAnswer?> FindWithinAsync(CacheKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var began = Stopwatch.GetTimestamp();
        var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, UntilLeftAlone());
        var lookUp = LookUpAsync(key, stop.Token);
        try
        {
            // The limit is real time, whatever clock we use. Whoever runs into it frees the others as well.
            var answer = await lookUp.WaitAsync(_limit, stop.Token).ConfigureAwait(false);
            Interlocked.Exchange(ref _wastedTicks, 0);
            _breaker.Succeeded();
            stop.Dispose();
            return answer;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Timers are a little early at times: who ended the waiting is told by whether there was anything left to wait for.
            var waited = lookUp.IsCompleted ? Stopwatch.GetElapsedTime(began) : _limit;

            // Disposed when the look-up is over, for it may still use the token.
            _ = stop.CancelAsync();
            _ = lookUp.ContinueWith(
                static (task, stop) =>
                {
                    _ = task.Exception;
                    ((CancellationTokenSource)stop!).Dispose();
                },
                stop, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            cancellationToken.ThrowIfCancellationRequested();
            if (!_breaker.IsLeftAlone)
                Failed(e, waited);

            return null;
        }
    }

    // Replaced here and not where the layer is found well, so that it is fresh whoever found that out.
    private CancellationToken UntilLeftAlone()
    {
        var current = Volatile.Read(ref _untilLeftAlone);
        if (!current.IsCancellationRequested)
            return current.Token;

        var fresh = new CancellationTokenSource();
        var seen = Interlocked.CompareExchange(ref _untilLeftAlone, fresh, current);
        return (ReferenceEquals(seen, current) ? fresh : seen).Token;
    }

    private async Task<StoredAnswer?> LookUpAsync(CacheKey key, CancellationToken cancellationToken)
    {
        var gate = _stamps.RefreshAsync(cancellationToken);
        Observe(gate);
        var name = NameOf(key);
        StoredAnswer? answer = null;
        try
        {
            var frame = await _store.ReadAsync(name, cancellationToken).ConfigureAwait(false);
            await gate.ConfigureAwait(false);
            if (frame is null)
                return null;

            if (AnswerFrame.TryDecode(key, frame.Value.Span, _seal, out answer) == SealResult.UnknownKey)
            {
                // Good for whoever has the key.
                _failed("an entry is encrypted with a key that is not among CacheEncryptionKeys");
                return null;
            }
        }
        catch (InvalidDataException)
        {
            // Larger than any frame.
        }

        if (answer is null)
        {
            _failed("an entry was malformed");
            Enqueue(new(token => _store.RemoveAsync(name, token), Done: null));
            return null;
        }

        if (IsOwed(key, answer))
            return null;

        // Not knowing whether it was invalidated counts as invalidated: what goes wrong here is a miss.
        return (await _stamps.KillersOfAsync(key, answer, cancellationToken).ConfigureAwait(false)).Count == 0 ? answer : null;
    }

    private async Task WatchAsync(CacheKey key, StoredAnswer answer)
    {
        try
        {
            using var stop = new CancellationTokenSource(s_connectWithin);
            foreach (var (scope, stamp) in await _stamps.KillersOfAsync(key, answer, stop.Token).AsTask().WaitAsync(stop.Token).ConfigureAwait(false))
            {
                // A stamp from the future comes from a clock that is wrong; it must not kill what is asked from now on.
                var atMost = Math.Min(stamp, _invalidations.Stamp());
                _invalidations.Add(scope, atMost);
                if (scope.Kind == Invalidations.Kind.Key)
                    KeyForgotten?.Invoke(key, atMost);
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Nobody was kept waiting; the next look-up that is will say so.
            _failed(ReasonOf(e));
        }
        finally
        {
            Volatile.Write(ref _isWatching, 0);
        }
    }

    // The first question should not be the one that waits for the connection.
    private async Task ConnectAsync()
    {
        using var stop = new CancellationTokenSource(s_connectWithin);
        try
        {
            await _store.ReadAsync(_prefix + "probe", stop.Token).WaitAsync(stop.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _failed(ReasonOf(e));
        }
    }

    /// <summary>Looks whether the layer is back: first for as long as a connection may take, then as fast as callers need it.</summary>
    private async Task ProbeAsync()
    {
        for (var look = 0; look < 2; look++)
        {
            using var stop = new CancellationTokenSource(s_connectWithin);
            var read = _store.ReadAsync(_prefix + "probe", stop.Token);
            var began = Stopwatch.GetTimestamp();
            try
            {
                await read.WaitAsync(s_connectWithin, stop.Token).ConfigureAwait(false);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                Observe(read);
                _failed(ReasonOf(e));
                _breaker.Failed(ReasonOf(e));
                return;
            }

            if (Stopwatch.GetElapsedTime(began) <= _limit)
            {
                Interlocked.Exchange(ref _wastedTicks, 0);
                _breaker.Succeeded();
                _ = DoAsync(write: null);
                return;
            }
        }

        _breaker.Failed("timeout");
    }

    private void Failed(Exception e, TimeSpan waited)
    {
        // An error that comes at once costs nobody anything and may concern one entry only; what counts is the time that was lost in vain.
        var reason = ReasonOf(e);
        _failed(reason);
        var isFirst = Interlocked.Add(ref _wastedTicks, waited.Ticks) >= _limit.Ticks ? _breaker.LeaveAlone(reason) : _breaker.Failed(reason);
        if (_breaker.IsLeftAlone)
            _ = Volatile.Read(ref _untilLeftAlone).CancelAsync();

        if (isFirst)
            _ = ProbeAsync();
    }

    private static string ReasonOf(Exception e) => e switch
    {
        AggregateException { InnerException: { } inner } => ReasonOf(inner),
        TimeoutException or OperationCanceledException => "timeout",
        _ => e.GetType().Name,
    };

    private static void Observe(Task task) =>
        task.ContinueWith(static t => _ = t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);

    private void Repair(string name)
    {
        _failed("a stamp was malformed");
        Enqueue(new(token => _stamps.RepairAsync(name, token), Done: null));
    }

    /// <summary>Whether an answer was removed here, and the store could only not be told yet. Of other scopes than keys this process knows without it.</summary>
    private bool IsOwed(CacheKey key, StoredAnswer answer) => !_owed.IsEmpty
        && ((_owed.TryGetValue(new(Invalidations.Kind.Key, key.ToString()), out var stamp) && answer.AskedAt <= stamp)
            || (_owed.TryGetValue(new(Invalidations.Kind.Everything, ""), out stamp) && answer.AskedAt <= stamp));

    private void Owe(Invalidations.Scope scope, long stamp)
    {
        // Too many to remember: everything older is forgotten, which is too much, never too little.
        if (_owed.Count >= OwedStamps)
        {
            foreach (var (known, at) in _owed)
            {
                stamp = Math.Max(stamp, at);
                _owed.TryRemove(known, out _);
            }

            scope = new(Invalidations.Kind.Everything, "");
        }

        _owed.AddOrUpdate(scope, static (_, added) => added, static (_, owed, added) => Math.Max(owed, added), stamp);
    }

    private Task DoAsync(Func<CancellationToken, Task>? write)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!Enqueue(new(write, done)))
            done.SetResult();

        return done.Task;
    }

    private bool Enqueue(QueuedWrite write)
    {
        try
        {
            if (Interlocked.Add(ref _queuedBytes, write.Bytes) <= QueuedBytes && _writes.TryAdd(write))
                return true;

            _failed("the queue is full");
        }
        catch (InvalidOperationException)
        {
            // Closing.
        }

        Interlocked.Add(ref _queuedBytes, -write.Bytes);
        return false;
    }

    // A thread of its own: a store that blocks must not hold one that callers need.
    private void Write()
    {
        foreach (var (write, done, bytes) in _writes.GetConsumingEnumerable())
        {
            if (!_breaker.IsLeftAlone)
                Pay();
            else if (!_owed.IsEmpty && _breaker.TryProbe())
                _ = ProbeAsync();

            if (write is not null && !_breaker.IsLeftAlone)
                TryWrite(write);

            Interlocked.Add(ref _queuedBytes, -bytes);
            done?.TrySetResult();
        }

        // The last chance, whether the layer is well or not.
        Pay();
    }

    private void Pay()
    {
        foreach (var owed in _owed)
        {
            if (!TryWrite(token => _stamps.NoteAsync(owed.Key, owed.Value, token)))
                return;

            // Unless more is owed by now.
            _owed.TryRemove(owed);
        }
    }

    private bool TryWrite(Func<CancellationToken, Task> write)
    {
        Task? task = null;
        try
        {
            using var stop = new CancellationTokenSource(s_writeWithin);
            task = write(stop.Token);
            if (task.Wait(s_writeWithin))
                return true;

            Observe(task);
            _failed("timeout");
            _breaker.Failed("timeout");
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Whether the layer is well is for those to say who read from it: a store that refuses one entry still has others.
            _failed(ReasonOf(e));
        }

        return false;
    }

    private readonly record struct QueuedWrite(Func<CancellationToken, Task>? Write, TaskCompletionSource? Done, long Bytes = 0);
}
