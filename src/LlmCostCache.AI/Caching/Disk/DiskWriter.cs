using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>The one thread that writes: what is queued goes into the file in batches, then the house is kept.</summary>
internal sealed class DiskWriter : IDisposable
{
    private const int BatchRows = 200;
    private const long BatchBytes = 8 << 20;
    private const int QueuedPuts = 10_000;
    private const long QueuedBytes = 64 << 20;

    private static readonly TimeSpan s_tickAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_tickEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_drainWithin = TimeSpan.FromSeconds(10);

    private readonly DiskFile _file;
    private readonly DiskReaders _readers;
    private readonly DiskLeases _leases;
    private readonly DiskUses _uses;
    private readonly DiskHousekeeping _house;
    private readonly DiskInvalidations _told;
    private readonly DiskDebts _debts;
    private readonly SemaphoreSlim _turn;
    private readonly AnswerSeal _seal;
    private readonly Invalidations _invalidations;
    private readonly ILogger _logger;
    private readonly Action<string> _failed;
    private readonly BlockingCollection<DiskWork> _queue = [];
    private readonly Thread _thread;
    private readonly ITimer _timer;

    private volatile bool _isBroken;
    private SqliteConnection? _connection;
    private DiskRows? _rows;
    private DiskInvalidations.Progress _known;
    private long _mark;
    private long _queuedPuts;
    private long _queuedBytes;

    public DiskWriter(DiskFile file, DiskReaders readers, DiskLeases leases, DiskUses uses, DiskHousekeeping house, DiskInvalidations told, SemaphoreSlim turn,
        AnswerSeal seal, Invalidations invalidations, TimeProvider time, ILogger logger, Action<string> failed)
    {
        (_file, _readers, _leases, _uses, _house, _told, _turn, _seal) = (file, readers, leases, uses, house, told, turn, seal);
        (_invalidations, _logger, _failed) = (invalidations, logger, failed);
        _debts = new DiskDebts(invalidations);
        _known = told.Current;
        _thread = new Thread(Write) { IsBackground = true, Name = "LlmCostCache.AI cache.db" };
        _timer = time.CreateTimer(static state => ((DiskWriter)state!).TryAdd(new DiskWork.Tick()), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Raised before the file is left for another one, while readers still have it open.</summary>
    public event Action? Leaving;

    /// <summary>Raised on the writer's thread after the file was replaced by a new one, which knows nothing.</summary>
    public event Action? BegunAnew;

    /// <summary>Whether the file is damaged and no other could be begun so far. Each thing to do is another try.</summary>
    public bool IsBroken => _isBroken;

    /// <summary>Whether an answer was removed and only could not be taken out of the file yet.</summary>
    public bool IsDoomed(CacheKey key, StoredAnswer answer) => _debts.IsDoomed(key, answer);

    /// <summary>Opens the file and begins to write.</summary>
    public void Start()
    {
        Open();
        _thread.Start();
        _timer.Change(s_tickEvery, s_tickEvery);
    }

    /// <summary>Queues an answer, unless too much is queued: then it is bought again some day, the caller does not wait.</summary>
    public bool TryPut(CacheKey key, StoredAnswer answer, Func<RequestOutline?>? outline)
    {
        var size = answer.SizeInMemory();
        var isFull = Interlocked.Increment(ref _queuedPuts) > QueuedPuts | Interlocked.Add(ref _queuedBytes, size) > QueuedBytes;
        var isQueued = !isFull && TryAdd(new DiskWork.Put(key, answer, outline, size));
        if (!isQueued)
            Released(size);

        if (isFull)
            _failed("the queue is full");

        return isQueued;
    }

    /// <summary>Queues something and says what came of it.</summary>
    public Task<int> DoAsync(DiskWork work)
    {
        if (!TryAdd(work))
        {
            if (work is DiskWork.Invalidate)
                _failed("an invalidation could not be written");

            work.Finish(committed: false);
        }

        return work.Done;
    }

    public bool TryAdd(DiskWork work)
    {
        try
        {
            // Answers are bought again; what was invalidated must be written some day.
            return !(_isBroken && work is DiskWork.Put) && _queue.TryAdd(work);
        }
        catch (InvalidOperationException)
        {
            // Closing.
            return false;
        }
    }

    /// <summary>Has counted hits written within about a second.</summary>
    public void TickSoon()
    {
        try
        {
            _timer.Change(s_tickAfter, s_tickEvery);
        }
        catch (ObjectDisposedException)
        {
            // Closing; what is counted is written then.
        }
    }

    /// <summary>Writes what is queued and closes the file; gives up after ten seconds.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        TryAdd(new DiskWork.Tick());
        _queue.CompleteAdding();
        if (_thread.ThreadState.HasFlag(ThreadState.Unstarted))
            Close();
        else if (!_thread.Join(s_drainWithin))
            _failed("the queue could not be written before closing");
    }

    private void Open()
    {
        _connection = _file.OpenOrBeginAnew();
        _rows = new DiskRows(_connection, _seal);
    }

    private void Close()
    {
        _rows?.Dispose();
        _connection?.Dispose();
        (_rows, _connection) = (null, null);
    }

    private void Released(long size)
    {
        Interlocked.Decrement(ref _queuedPuts);
        Interlocked.Add(ref _queuedBytes, -size);
    }

    private void Write()
    {
        var batch = new List<DiskWork>(BatchRows);
        while (_queue.TryTake(out var work, Timeout.Infinite))
        {
            var bytes = 0L;
            do
            {
                batch.Add(work);
                bytes += work is DiskWork.Put put ? put.Size : 0;
            }
            while (batch.Count < BatchRows && bytes < BatchBytes && _queue.TryTake(out work));

            var committed = TryCommit(batch);
            if (committed)
                _debts.Settle();
            else if (_debts.Add(batch))
                Owe(batch);

            foreach (var done in batch)
            {
                if (done is DiskWork.Put put)
                {
                    Released(put.Size);

                    // Its lease was to go with it; nobody else will take it away.
                    if (committed)
                        _leases.WentWithAnswer(put.Key);
                    else if (_leases.Holds(put.Key))
                        TryAdd(new DiskWork.Release(put.Key));
                }

                done.Finish(committed);
            }

            batch.Clear();
        }

        if (_debts.HasInvalidations)
            _failed("an invalidation could not be written before closing");

        Close();
    }

    private bool TryCommit(List<DiskWork> batch)
    {
        var committed = false;
        for (var attempts = 2; attempts > 0 && !committed; attempts--)
        {
            try
            {
                PrepareFile(batch);
                InTurn(() =>
                {
                    // Nobody else can add an invalidation now, and an answer that one of them has killed is not written.
                    _rows!.Learn(_told, _known);
                    _debts.ForEach(Do);
                    batch.ForEach(Do);
                });
                committed = true;
                var isAsked = batch.Exists(static work => work is DiskWork.Barrier or DiskWork.Tick);
                if (isAsked)
                    WriteUses();

                KeepHouse(batch.Sum(static work => (work as DiskWork.Put)?.BytesInFile ?? 0), isAsked);
            }
            catch (Exception e) when (DiskFile.IsExpected(e))
            {
                _failed(e is SqliteException sqlite ? $"SQLite error {sqlite.SqliteErrorCode}" : e.GetType().Name);
                if (!DiskFile.IsDamage(e))
                    break;

                // What was just written goes with the file, so it is written once more into the new one.
                committed = false;
                if (!TryRepair())
                    break;
            }
        }

        return committed;
    }

    private void PrepareFile(List<DiskWork> batch)
    {
        foreach (var repair in batch.OfType<DiskWork.Repair>())
        {
            if (repair.Generation == _readers.Generation)
                BeginAnew(setAside: true);
        }

        var mark = _file.Mark();
        if (_connection is null || _file.IsGone() || (mark != _mark && _file.IsReplaced()))
            BeginAnew(setAside: false);
        else
            _mark = mark;

        foreach (var put in batch.OfType<DiskWork.Put>())
            put.Seal(_seal);
    }

    /// <summary>The process itself honours meanwhile what must be written after all.</summary>
    private void Owe(List<DiskWork> batch)
    {
        if (batch.Exists(static work => work is DiskWork.Invalidate))
        {
            _failed("an invalidation is not written yet");
            if (_debts.IsNews())
                CacheLog.InvalidationOwed(_logger, _file.Path);
        }

        TickSoon();
    }

    private void Do(DiskWork work)
    {
        work.Rows = 0;
        switch (work)
        {
            // Written late, asked early: whoever invalidated meanwhile must not find it.
            case DiskWork.Put put:
                if (put.Frame!.Length > AnswerFrame.MaxBytes)
                    _failed("an answer is too large for the file");
                else if (!_invalidations.IsDead(put.Answer))
                    _rows!.Put(put);

                if (_leases.Holds(put.Key))
                    _rows!.Release(_leases, put.Key);

                break;
            case DiskWork.Delete delete:
                work.Rows = _rows!.Delete(delete.Key, delete.AskedUpTo);
                break;
            case DiskWork.Invalidate invalidate:
                work.Rows = _rows!.Invalidate(invalidate.Scope, invalidate.Stamp);
                break;
            case DiskWork.Release release when _leases.Forget(release.Key):
                _rows!.Release(_leases, release.Key);
                break;
        }
    }

    private void WriteUses()
    {
        while (_uses.Take(BatchRows) is { Count: > 0 } notes)
        {
            InTurn(() =>
            {
                foreach (var (key, hits, savedNanos, usedAt) in notes)
                    _rows!.Count(key, hits, savedNanos, usedAt);
            });
        }
    }

    private void KeepHouse(long written, bool looks)
    {
        if (_house.IsDue())
            _house.Sweep(_connection!);

        _house.Evict(_connection!, written, looks);
    }

    /// <summary>A transaction, while nobody else in this process has one.</summary>
    private void InTurn(Action write)
    {
        _turn.Wait();
        try
        {
            _rows!.Begin();
            try
            {
                write();
                _rows.Commit();
            }
            catch
            {
                Rollback();
                throw;
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    private void Rollback()
    {
        try
        {
            SqliteFile.Execute(_connection!, "ROLLBACK");
        }
        catch (SqliteException)
        {
            // A full or broken disk has rolled back already.
        }
    }

    private bool TryRepair()
    {
        try
        {
            BeginAnew(setAside: true);
            return true;
        }
        catch (Exception e) when (DiskFile.IsExpected(e))
        {
            if (!_isBroken)
                CacheLog.DiskUnusable(_logger, _file.Path, e);

            _isBroken = true;
            return false;
        }
    }

    /// <summary>Goes on with another file: a new one, or the one that took the place of ours. Also when that failed before and we have none.</summary>
    private void BeginAnew(bool setAside)
    {
        _turn.Wait();
        try
        {
            if (_connection is not null)
            {
                Leaving?.Invoke();
                _leases.Close_NeedsTurn();
                Close();
                _readers.Drop();
                if (!setAside)
                    _failed("was removed or replaced while it was in use");
            }

            _connection = _file.BeginAnew(setAside);
            _rows = new DiskRows(_connection, _seal);
            _isBroken = false;
            BegunAnew?.Invoke();
            _known = _told.Current;

            // Whoever opened the file in between has the old one, or goes on with what is known of it.
            _readers.Drop();

            // The other processes may not have learned from the old file all that was invalidated.
            _debts.AddAllKnown();
        }
        finally
        {
            _turn.Release();
        }
    }
}
