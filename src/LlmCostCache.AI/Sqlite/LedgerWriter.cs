using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>
/// Writes for this process, one transaction at a time: a caller that finds nobody else writes its operation itself; where several come, one thread takes whatever is waiting into one transaction.
/// Callers are told after the commit, or, when they ask for it, when the commit is on the disk.
/// </summary>
internal sealed partial class LedgerWriter : IAsyncDisposable
{
    private const int MaxBatch = 1_000;

    // Several processes share the file's only lock; SQLite does not queue them, so each holds it briefly.
    private const int MaxSharedBatch = 200;

    // Who has waited for longer looks whether the file is free every few milliseconds: in this time SQLite looks four times.
    private const int UsualTurnMs = 50;
    private const int BetweenLooksMs = 10;

    // A caller's thread is not kept from its other work for longer than this.
    private static readonly TimeSpan s_brief = TimeSpan.FromMilliseconds(2);

    // Longer, and rows are better spooled and calls better refused.
    private static readonly TimeSpan s_upkeepPatience = TimeSpan.FromMinutes(1);

    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly bool _neverSync;
    private readonly LedgerQueue _queue;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<LedgerOperation> _batch = new(MaxBatch);
    private readonly List<LedgerOperation> _single = new(1);
    private readonly LedgerSync _sync;

    // Whoever holds it writes. Not a lock, because its holder must not get it again on the same thread.
    private readonly SemaphoreSlim _pen = new(1, 1);

    private SqliteConnection _connection;
    private LedgerBook _book;
    private LedgerLog _log;
    private int _waitForPen;
    private TimeSpan _took;
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
        _queue = new LedgerQueue(path, rest);
        _path = path;
        _time = time;
        _logger = logger;
        _neverSync = neverSync;
        _connection = connection;
        _sync = new LedgerSync(path, MendForOthers);
        _book = new LedgerBook(connection, time);
        _log = new LedgerLog(connection, neverSync);
        new Thread(Run) { IsBackground = true, Name = "llmcost ledger" }.Start();
    }

    /// <summary>Rows given to <see cref="Later"/> that were never written, because too many were waiting or the ledger refused them.</summary>
    public long Dropped => _queue.Dropped;

    /// <summary>Hears how many rows were lost since it was last told, while nobody else can write: it must only take the number.</summary>
    public Action<long>? RowsDropped { get; set; }

    /// <summary>Rows given to <see cref="Later"/> that wait for the next batch.</summary>
    public int Waiting => _queue.Waiting;

    /// <summary>Is told the thresholds that a batch crossed, after its commit and while nobody else can write: it must only take them.</summary>
    public Action<IReadOnlyList<BudgetCrossing>>? Crossed { get; set; }

    /// <param name="work">What to do; it may be done twice, and is then told so.</param>
    /// <param name="durable">Whether it must be on the disk before the caller is told.</param>
    /// <param name="reserves">Whether reservations past their deadline are booked first.</param>
    /// <param name="cancellationToken">Ends the wait; what was taken in is written all the same.</param>
    /// <param name="flushes">Whether the rows given to <see cref="Later"/> before are written first.</param>
    /// <param name="brief">Whether it takes so little time that the caller's thread may do it.</param>
    public async ValueTask<T> RunAsync<T>(Func<LedgerBook, bool, T> work, bool durable, bool reserves, CancellationToken cancellationToken, bool flushes = false, bool brief = false)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var operation = new AwaitedOperation<T>(_path, work) { Durable = durable, Reserves = reserves, Flushes = flushes };
        if (brief && TryWriteHere(operation))
        {
            return await operation.Task.ConfigureAwait(false);
        }

        await _queue.PutAsync(operation, cancellationToken).ConfigureAwait(false);

        // The work goes on when the caller leaves: what was accepted is written.
        return await operation.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public void Later(UsageRecord record) => _queue.PutLater(new BackgroundAppend(record) { Durable = record.Cost.Amount is { Nanos: > 0 } });

    public async ValueTask DisposeAsync()
    {
        _queue.Close();
        await _stopped.Task.ConfigureAwait(false);
    }

    /// <summary>
    /// Writes on the caller's thread when nobody else waits: handing an operation to another thread, and its result back, takes longer than the operation. What would keep the caller from
    /// other work is left to the thread: another process's turn, a slow disk, a checkpoint; and nothing is done here for a caller that draws a window.
    /// </summary>
    private bool TryWriteHere(LedgerOperation operation)
    {
        if ((operation.Durable && _sync.Took > s_brief) || Volatile.Read(ref _waitForPen) > 0 || SynchronizationContext.Current is not null || !_pen.Wait(0))
        {
            return false;
        }

        try
        {
            if (!_log.IsAlone || _log.IsDue || !_queue.IsIdle)
            {
                return false;
            }

            _single.Clear();
            _single.Add(operation);
            try
            {
                return Write(_single, mayWait: false);
            }
            finally
            {
                Tell();
            }
        }
        finally
        {
            _pen.Release();
        }
    }

    private void Run()
    {
        try
        {
            while (TakeBatch())
            {
                TakePen();
                try
                {
                    var began = Stopwatch.GetTimestamp();
                    Write(_batch, mayWait: true);
                    Tell();
                    _took = Stopwatch.GetElapsedTime(began);
                    if (!_log.Checkpoint())
                    {
                        _sync.Doubt();
                    }
                }
                finally
                {
                    _queue.Done();
                    _pen.Release();
                }
            }
        }
        finally
        {
            // What was handed over may yet need the pen.
            _sync.Finish();
            TakePen();
            Close();
            Tell();
            _pen.Release();
            _stopped.SetResult();
        }
    }

    /// <summary>Waits for the pen; callers that find it free leave it to who waits.</summary>
    private void TakePen()
    {
        Interlocked.Increment(ref _waitForPen);
        _pen.Wait();
        Interlocked.Decrement(ref _waitForPen);
    }

    private bool TakeBatch()
    {
        _batch.Clear();
        return _queue.Take(_batch, _log.IsAlone ? MaxBatch : MaxSharedBatch, _took);
    }

    /// <returns>False when another process has the file and <paramref name="mayWait"/> is false: then nothing was done.</returns>
    private bool Write(List<LedgerOperation> batch, bool mayWait)
    {
        _expired = default;
        _log.Count(batch.Count);
        try
        {
            try
            {
                WriteInTurn(batch, mayWait);
            }
            catch (SqliteException error) when (!mayWait && error.SqliteErrorCode == SqliteFailure.Busy)
            {
                _log.IsAlone = false;
                _book.Rollback();
                return false;
            }
            catch (SqliteException error) when (error.SqliteErrorCode is not (SqliteFailure.Busy or SqliteFailure.Locked or SqliteFailure.Full))
            {
                // After an I/O error nobody knows whether the commit happened. Every operation finds its own id, so doing it again is safe.
                _book.Doubt(_book);
                Reopen();
                WriteOnce(batch, repeated: true);
            }
        }
        catch (Exception error)
        {
            // Whatever it was: the callers are told, and the thread goes on, because without it nothing would ever be written again.
            _expired = default;
            _book.Doubt(_book);
            Undo();
            var unavailable = error as StoreUnavailableException ?? SqliteFailure.Unavailable(_path, error);
            LogBatchFailed(_logger, unavailable, batch.Count);
            foreach (var operation in batch)
            {
                operation.Fail(unavailable);
            }

            _queue.PutBack([.. batch.OfType<BackgroundAppend>()]);
            return true;
        }

        TellCrossings();
        Conclude(batch, mayHand: mayWait);
        return true;
    }

    /// <summary>
    /// Waits for its turn among the processes that write, and for a repair or a compaction as no other writer is waited for: it has the lock for as long as it takes. SQLite forms no queue and looks ever
    /// more seldom; whoever looks often is not passed over for seconds by those who just had their turn.
    /// </summary>
    private void WriteInTurn(List<LedgerOperation> batch, bool mayWait)
    {
        var since = Stopwatch.GetTimestamp();
        _log.SetPatience(mayWait ? UsualTurnMs : 0);
        try
        {
            while (true)
            {
                try
                {
                    WriteOnce(batch, repeated: false);
                    return;
                }
                catch (SqliteException error) when (mayWait && error.SqliteErrorCode == SqliteFailure.Busy && HasPatience(Stopwatch.GetElapsedTime(since)))
                {
                    _book.Rollback();
                    _log.SetPatience(BetweenLooksMs);
                }
            }
        }
        finally
        {
            _log.SetPatience(SqliteFile.BusyTimeoutMs);
        }

        bool HasPatience(TimeSpan waited) => waited.TotalMilliseconds < SqliteFile.BusyTimeoutMs || (waited < s_upkeepPatience && UpkeepTurn.IsTaken(_path));
    }

    private void WriteOnce(List<LedgerOperation> batch, bool repeated)
    {
        RequireSameFile();
        try
        {
            Apply(batch, repeated, careful: false);
        }
        catch (Exception error) when (error is not SqliteException sqlite || SqliteFailure.ConcernsOneStatement(sqlite))
        {
            // One operation cannot be done; which, shows when each is tried on its own.
            _book.Rollback();
            Apply(batch, repeated, careful: true);
        }

        _book.Commit();
    }

    private void Apply(List<LedgerOperation> batch, bool repeated, bool careful)
    {
        _book.Begin(careful);
        _log.NoticeOthers();
        if (batch.Exists(operation => operation.Reserves))
        {
            _expired = _book.Attempt(book => book.ExpireDue());
        }

        foreach (var operation in batch)
        {
            operation.Apply(_book, repeated);
        }

        _book.Flush();
    }

    [LoggerMessage(EventId = 301, Level = LogLevel.Error, Message = "The ledger could not be written; {Count} operations were told so.")]
    private static partial void LogBatchFailed(ILogger logger, Exception error, int count);
}
