using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>The one thread of this process that writes: it takes whatever is waiting into one transaction and tells the callers after the commit.</summary>
internal sealed partial class LedgerWriter : IAsyncDisposable
{
    private const int Capacity = 20_000;
    private const int MaxLater = 10_000;
    private const int MaxBatch = 1_000;

    // Several processes share the file's only lock; SQLite does not queue them, so each holds it briefly.
    private const int MaxSharedBatch = 200;

    private static readonly TimeSpan s_pauseAfterFailure = TimeSpan.FromSeconds(1);

    // Rows that nobody waits for gather a little, so that a hit wakes nobody, and leave the processor to the callers: the writer rests for twice as long as the last batch
    // took. It does not rest while somebody waits for it, nor while so many rows wait that a burst could find no room.
    internal const int Crowd = MaxLater / 4;
    private static readonly TimeSpan s_gather = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_longestRest = TimeSpan.FromMilliseconds(100);

    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly bool _neverSync;
    private readonly object _gate = new();
    private readonly Queue<LedgerOperation> _queue = new();
    private readonly Queue<BackgroundAppend> _later = new();
    private readonly SemaphoreSlim _room = new(Capacity, Capacity);
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<LedgerOperation> _batch = new(MaxBatch);

    private SqliteConnection _connection;
    private LedgerBook _book;
    private bool _closing;
    private bool _full = true;
    private bool _unsynced;
    private bool _alone = true;
    private long _dataVersion;
    private long _dropped;
    private readonly TimeSpan? _fixedRest;
    private TimeSpan _rest;
    private long _reported;
    private (int Ended, int Unreadable) _expired;

    /// <param name="path">The ledger's file.</param>
    /// <param name="connection">An open connection to it, which the writer closes.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Hears of failures.</param>
    /// <param name="neverSync">Whether no commit waits for the disk.</param>
    /// <param name="rest">How long rows that nobody waits for gather; null for what suits the last batch.</param>
    public LedgerWriter(string path, SqliteConnection connection, TimeProvider time, ILogger logger, bool neverSync, TimeSpan? rest = null)
    {
        _fixedRest = rest;
        _path = path;
        _time = time;
        _logger = logger;
        _neverSync = neverSync;
        _connection = connection;
        _book = new LedgerBook(connection, time);
        _dataVersion = SqliteFile.Scalar(connection, "PRAGMA data_version");
        if (neverSync)
        {
            SqliteFile.Execute(connection, "PRAGMA synchronous = OFF");
        }

        new Thread(Run) { IsBackground = true, Name = "llmcost ledger" }.Start();
    }

    /// <summary>Rows given to <see cref="Later"/> that were never written, because too many were waiting or the ledger refused them.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Hears how many rows were lost since it was last told; never called under a lock.</summary>
    public Action<long>? RowsDropped { get; set; }

    /// <summary>Rows given to <see cref="Later"/> that wait for the next batch.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
                return _later.Count;
        }
    }

    /// <summary>Is told the thresholds that a batch crossed, after its commit and on the writer's thread: it must only take them.</summary>
    public Action<IReadOnlyList<BudgetCrossing>>? Crossed { get; set; }

    public async ValueTask<T> RunAsync<T>(Func<LedgerBook, bool, T> work, bool durable, bool reserves, CancellationToken cancellationToken, bool flushes = false)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await _room.WaitAsync(cancellationToken).ConfigureAwait(false);
        var operation = new AwaitedOperation<T>(_path, work) { Durable = durable, Reserves = reserves, Flushes = flushes };
        lock (_gate)
        {
            if (_closing)
            {
                _room.Release();
                throw new StoreUnavailableException($"The ledger '{_path}' was closed; nothing was written. Dispose LlmCosts after the last call has ended.") { Store = _path };
            }

            _queue.Enqueue(operation);
            Monitor.Pulse(_gate);
        }

        // The work goes on when the caller leaves: what was accepted is written.
        return await operation.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public void Later(UsageRecord record)
    {
        // Made before the lock: callers meet in it.
        var append = new BackgroundAppend(record) { Durable = record.Cost.Amount is { Nanos: > 0 } };
        lock (_gate)
        {
            if (_closing)
            {
                Interlocked.Increment(ref _dropped);
                return;
            }

            if (_later.Count >= MaxLater)
            {
                _later.Dequeue();
                Interlocked.Increment(ref _dropped);
            }

            _later.Enqueue(append);
            if (_later.Count is 1 or Crowd)
                Monitor.Pulse(_gate);
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _closing = true;
            Monitor.Pulse(_gate);
        }

        // The semaphore is left to the collector: a call that is still under way may yet ask for room, and is told that the ledger is closed.
        await _stopped.Task.ConfigureAwait(false);
    }

    private void Run()
    {
        try
        {
            while (TakeBatch())
            {
                var began = Stopwatch.GetTimestamp();
                _expired = default;
                Write();
                Tell();
                _rest = TimeSpan.FromTicks(Math.Min(2 * Stopwatch.GetElapsedTime(began).Ticks, s_longestRest.Ticks));
            }
        }
        finally
        {
            Close();
            Tell();
            _stopped.SetResult();
        }
    }

    private bool TakeBatch()
    {
        _batch.Clear();
        var limit = _alone ? MaxBatch : MaxSharedBatch;
        lock (_gate)
        {
            while (_queue.Count == 0 && _later.Count == 0)
            {
                if (_closing)
                {
                    return false;
                }

                Monitor.Wait(_gate);
            }

            if (_queue.Count == 0 && _later.Count < Crowd && !_closing)
                Monitor.Wait(_gate, _fixedRest ?? (_rest > s_gather ? _rest : s_gather));

            while (_batch.Count < limit && _queue.TryDequeue(out var operation))
            {
                _batch.Add(operation);
            }

            if (_batch.Count > 0)
            {
                _room.Release(_batch.Count);
            }

            // A flush promises the rows given before it: all of them go along, before it.
            var flushes = _batch.Exists(operation => operation.Flushes);
            while ((_batch.Count < limit || flushes) && _later.TryDequeue(out var later))
            {
                _batch.Add(later);
            }
        }

        return true;
    }

    private void Tell()
    {
        var (ended, unreadable) = _expired;
        if (ended > 0)
        {
            Log.ReservationExpired(_logger, ended);
        }

        if (unreadable > 0)
        {
            Log.ReservationUnreadable(_logger, unreadable);
        }

        var lost = Dropped - _reported;
        if (lost > 0)
        {
            _reported += lost;
            Log.RecordsDropped(_logger, lost);
            RowsDropped?.Invoke(lost);
        }
    }

    private void Write()
    {
        try
        {
            try
            {
                WriteOnce(repeated: false);
            }
            catch (SqliteException error) when (error.SqliteErrorCode is not (SqliteFailure.Busy or SqliteFailure.Locked or SqliteFailure.Full))
            {
                // After an I/O error nobody knows whether the commit happened. Every operation finds its own id, so doing it again is safe.
                Reopen();
                WriteOnce(repeated: true);
            }
        }
        catch (Exception error)
        {
            // Whatever it was: the callers are told, and the thread goes on, because without it nothing would ever be written again.
            _expired = default;
            Undo();
            var unavailable = error as StoreUnavailableException ?? SqliteFailure.Unavailable(_path, error);
            LogBatchFailed(_logger, unavailable, _batch.Count);
            foreach (var operation in _batch)
            {
                operation.Fail(unavailable);
            }

            KeepForLater();
            return;
        }

        TellCrossings();
        foreach (var operation in _batch)
        {
            if (operation is BackgroundAppend && operation.HasFailed)
            {
                Interlocked.Increment(ref _dropped);
            }

            operation.Acknowledge();
        }
    }

    private void WriteOnce(bool repeated)
    {
        RequireSameFile();
        var flushes = _batch.Exists(operation => operation.Flushes);
        Synchronise(flushes || _batch.Exists(operation => operation.Durable));
        try
        {
            Apply(repeated, careful: false);
        }
        catch (Exception error) when (error is not SqliteException sqlite || SqliteFailure.ConcernsOneStatement(sqlite))
        {
            // One operation cannot be done; which, shows when each is tried on its own.
            _book.Rollback();
            Apply(repeated, careful: true);
        }

        if (flushes && _unsynced)
        {
            // A commit without a change brings nothing to the disk, and this one has to bring the earlier ones there.
            _book.Touch();
        }

        _book.Commit();
        _unsynced = !_full;
    }

    /// <summary>Before the callers are told, so that who waits for them finds the crossings given.</summary>
    private void TellCrossings()
    {
        if (_book.TakeCrossings() is not { Count: > 0 } crossings)
        {
            return;
        }

        try
        {
            Crossed?.Invoke(crossings);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            // The rows are written: what somebody else cannot take must not be told as their failure.
            LogCrossingsLost(_logger, error, crossings.Count);
        }
    }

    private void Apply(bool repeated, bool careful)
    {
        _book.Begin(careful);
        NoticeOthers();
        if (_batch.Exists(operation => operation.Reserves))
        {
            _expired = _book.Attempt(book => book.ExpireDue());
        }

        foreach (var operation in _batch)
        {
            operation.Apply(_book, repeated);
        }

        _book.Flush();
    }

    private void RequireSameFile()
    {
        if (SqliteFile.HasMoved(_connection))
        {
            throw File.Exists(_path) ? LedgerFile.Replaced(_path) : LedgerFile.Gone(_path);
        }
    }

    /// <summary>Sets whether commits wait for the disk; only possible between transactions.</summary>
    private void Synchronise(bool full)
    {
        if (_neverSync)
        {
            return;
        }

        if (full != _full)
        {
            SqliteFile.Execute(_connection, full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
        }

        _full = full;
    }

    private void NoticeOthers()
    {
        var version = SqliteFile.Scalar(_connection, "PRAGMA data_version");
        _alone = version == _dataVersion;
        _dataVersion = version;
    }

    private void Undo()
    {
        try
        {
            _book.Rollback();
        }
        catch (SqliteException)
        {
            TryReopen();
        }
    }

    private void Reopen()
    {
        RequireSameFile();
        var connection = LedgerFile.OpenForWriting(_path, _time, mayCreate: false);
        _book.Dispose();
        _connection.Dispose();
        _connection = connection;
        _book = new LedgerBook(connection, _time);
        _full = true;
        _unsynced = true;
    }

    private void TryReopen()
    {
        try
        {
            Reopen();
        }
        catch (StoreUnavailableException error)
        {
            LogStillUnavailable(_logger, error);
        }
    }

    /// <summary>Rows that nobody waits for are tried again with a later batch, the oldest first to go when there are too many.</summary>
    private void KeepForLater()
    {
        var rows = _batch.OfType<BackgroundAppend>().ToList();
        if (rows.Count == 0)
        {
            return;
        }

        lock (_gate)
        {
            rows.AddRange(_later);
            _later.Clear();
            var excess = Math.Max(0, rows.Count - MaxLater);
            Interlocked.Add(ref _dropped, excess);
            foreach (var row in rows.Skip(excess))
            {
                _later.Enqueue(row);
            }

            if (_closing)
            {
                Interlocked.Add(ref _dropped, _later.Count);
                _later.Clear();
            }
            else if (_queue.Count == 0)
            {
                Monitor.Wait(_gate, s_pauseAfterFailure);
            }
        }
    }

    private void Close()
    {
        try
        {
            SqliteFile.Execute(_connection, "PRAGMA wal_checkpoint(TRUNCATE)");
        }
        catch (SqliteException error)
        {
            // Readers may still be at work; whoever opens the ledger next continues from the WAL.
            LogNotCheckpointed(_logger, error);
        }

        _book.Dispose();
        _connection.Dispose();
    }

    [LoggerMessage(EventId = 301, Level = LogLevel.Error, Message = "The ledger could not be written; {Count} operations were told so.")]
    private static partial void LogBatchFailed(ILogger logger, Exception error, int count);

    [LoggerMessage(EventId = 302, Level = LogLevel.Error, Message = "The ledger cannot be opened again; it is tried with the next operation.")]
    private static partial void LogStillUnavailable(ILogger logger, Exception error);

    [LoggerMessage(EventId = 307, Level = LogLevel.Error, Message = "{Count} thresholds of budgets were reached and could not be told.")]
    private static partial void LogCrossingsLost(ILogger logger, Exception error, int count);

    [LoggerMessage(EventId = 303, Level = LogLevel.Debug, Message = "The ledger was closed without emptying its write-ahead log.")]
    private static partial void LogNotCheckpointed(ILogger logger, Exception error);
}
