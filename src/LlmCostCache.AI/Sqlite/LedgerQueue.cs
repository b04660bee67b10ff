using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace LlmCostCache.AI;

/// <summary>What waits for the thread that writes: operations whose callers wait, and rows that nobody waits for. Callers on any thread put in, the writer alone takes out.</summary>
/// <param name="path">The ledger's file, for messages.</param>
/// <param name="fixedRest">How long rows that nobody waits for gather; null for what suits the last batch.</param>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "The semaphore is never asked for its handle, and calls may still wait for it when the ledger is closed.")]
internal sealed class LedgerQueue(string path, TimeSpan? fixedRest)
{
    // Rows that nobody waits for gather a little, so that a hit wakes nobody, and leave the processor to the callers: the writer rests for twice as long as the last batch
    // took. It does not rest while somebody waits for it, nor while so many rows wait that a burst could find no room.
    public const int Crowd = MaxLater / 4;

    // Batches that pass, at most, before those who stayed away are waited for again.
    private const int LongestVain = 64;

    private const int Capacity = 20_000;
    private const int MaxLater = 10_000;

    private static readonly TimeSpan s_pauseAfterFailure = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_gather = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_longestWait = TimeSpan.FromMicroseconds(500);
    private static readonly TimeSpan s_longestRest = TimeSpan.FromMilliseconds(100);

    private readonly object _gate = new();
    private readonly Queue<LedgerOperation> _awaited = new();
    private readonly Queue<BackgroundAppend> _later = new();

    // Left to the collector: a call that is still under way when the ledger is closed may yet ask for room, and is told that it is closed.
    private readonly SemaphoreSlim _room = new(Capacity, Capacity);
    private bool _closing;
    private bool _isOut;
    private long _dropped;
    private long _droppedBefore;

    // Callers that were told and may come back at once, and for how many batches they are not waited for because the last wait was in vain.
    private int _away;
    private int _vain;
    private int _untilNextWait;

    /// <summary>Rows that nobody waits for and that were never written, because too many were waiting or the ledger refused them.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Rows that nobody waits for and that wait for the next batch.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
                return _later.Count;
        }
    }

    /// <summary>Whether nobody waits, nobody is expected to come, and nothing that was taken out has still to be written: what comes now would overtake it.</summary>
    public bool IsIdle
    {
        get
        {
            lock (_gate)
                return !_closing && !_isOut && _awaited.Count == 0 && _away == 0;
        }
    }

    /// <summary>Whether nobody waits.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_gate)
                return _awaited.Count == 0;
        }
    }

    /// <summary>So many callers of one batch are about to be told.</summary>
    public void Told(int callers)
    {
        lock (_gate)
            _away = callers > 1 ? _away + callers : 0;
    }

    /// <exception cref="StoreUnavailableException">The ledger was closed.</exception>
    public async ValueTask PutAsync(LedgerOperation operation, CancellationToken cancellationToken)
    {
        await _room.WaitAsync(cancellationToken).ConfigureAwait(false);
        lock (_gate)
        {
            if (_closing)
            {
                _room.Release();
                throw new StoreUnavailableException($"The ledger '{path}' was closed; nothing was written. Dispose LlmCosts after the last call has ended.") { Store = path };
            }

            _awaited.Enqueue(operation);
            _away = Math.Max(0, _away - 1);
            Monitor.Pulse(_gate);
        }
    }

    public void PutLater(BackgroundAppend append)
    {
        lock (_gate)
        {
            if (_closing)
            {
                Drop(1);
                return;
            }

            if (_later.Count >= MaxLater)
            {
                _later.Dequeue();
                Drop(1);
            }

            _later.Enqueue(append);
            if (_later.Count is 1 or Crowd)
                Monitor.Pulse(_gate);
        }
    }

    /// <summary>Counts rows that are given up.</summary>
    public void Drop(int rows) => Interlocked.Add(ref _dropped, rows);

    /// <summary>Nothing more is taken in; what waits is still given out.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _closing = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Waits for work.</summary>
    /// <param name="batch">Where it is put.</param>
    /// <param name="limit">How much of it.</param>
    /// <param name="lastTook">How long the last batch took.</param>
    /// <returns>False when the queue is closed and nothing is left.</returns>
    public bool Take(List<LedgerOperation> batch, int limit, TimeSpan lastTook)
    {
        AwaitReturn(lastTook);
        var waited = false;
        lock (_gate)
        {
            while (_awaited.Count == 0 && _later.Count == 0)
            {
                if (_closing)
                {
                    return false;
                }

                waited = true;
                Monitor.Wait(_gate);
            }

            // Where rows have to be given up anyway, one more of them is worth less than the processor of those who ask.
            var dropped = Dropped;
            if (_awaited.Count == 0 && !_closing && (_later.Count < Crowd || dropped != _droppedBefore))
                Monitor.Wait(_gate, fixedRest ?? RestAfter(dropped == _droppedBefore ? lastTook : 4 * lastTook));

            _droppedBefore = dropped;
        }

        if (waited)
        {
            AwaitReturn(lastTook);
        }

        lock (_gate)
        {
            while (batch.Count < limit && _awaited.TryDequeue(out var operation))
            {
                batch.Add(operation);
            }

            if (batch.Count > 0)
            {
                _room.Release(batch.Count);
            }

            // A flush promises the rows given before it: all of them go along, before it.
            var flushes = batch.Exists(operation => operation.Flushes);
            while ((batch.Count < limit || flushes) && _later.TryDequeue(out var later))
            {
                batch.Add(later);
            }

            _isOut = true;
        }

        return true;
    }

    /// <summary>What was taken out is written.</summary>
    public void Done()
    {
        lock (_gate)
            _isOut = false;
    }

    /// <summary>Rows that could not be written are tried again with a later batch, the oldest first to go when there are too many. Rests a moment when nobody waits.</summary>
    public void PutBack(List<BackgroundAppend> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        lock (_gate)
        {
            rows.AddRange(_later);
            _later.Clear();
            var excess = Math.Max(0, rows.Count - MaxLater);
            Drop(excess);
            foreach (var row in rows.Skip(excess))
            {
                _later.Enqueue(row);
            }

            if (_closing)
            {
                Drop(_later.Count);
                _later.Clear();
            }
            else if (_awaited.Count == 0)
            {
                Monitor.Wait(_gate, s_pauseAfterFailure);
            }
        }
    }

    /// <summary>
    /// Callers that come again as soon as they were told are taken into one batch: the first of them alone would take the disk for as long as all. Waits no longer than half of
    /// what a batch takes, and ever more seldom when they stay away.
    /// </summary>
    private void AwaitReturn(TimeSpan lastTook)
    {
        var patience = lastTook / 2 < s_longestWait ? lastTook / 2 : s_longestWait;
        var since = Stopwatch.GetTimestamp();
        int? expected = null;
        while (true)
        {
            lock (_gate)
            {
                if (_closing || _away == 0)
                {
                    _vain = expected > 0 ? 0 : _vain;
                    return;
                }

                expected ??= _away;
                if (_untilNextWait > 0)
                {
                    _untilNextWait--;
                    _away = 0;
                    return;
                }

                if (Stopwatch.GetElapsedTime(since) >= patience)
                {
                    _vain = _away > expected / 2 ? Math.Min(LongestVain, 2 * _vain + 1) : 0;
                    _untilNextWait = _vain;
                    _away = 0;
                    return;
                }
            }

            Thread.Yield();
        }
    }

    private static TimeSpan RestAfter(TimeSpan lastTook)
    {
        var rest = TimeSpan.FromTicks(Math.Min(2 * lastTook.Ticks, s_longestRest.Ticks));
        return rest > s_gather ? rest : s_gather;
    }
}
