using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>Who is told what, and when: callers whose commit is enough, callers who need the disk, and what becomes of them when a sync fails.</summary>
internal sealed partial class LedgerWriter
{
    // So many are told at once, more on another thread: that takes a microsecond each, in which the next batch could be written.
    private const int FewWaiting = 4;

    // ENOSPC, which a disk may say only when it is asked to keep what it took.
    private const int NoSpace = 28;

    /// <summary>
    /// Tells those who need not wait for the disk, then the others when their commit is on it: on another thread when the next batch waits already.
    /// </summary>
    private void Conclude(List<LedgerOperation> batch, bool mayHand)
    {
        var (committed, onDisk) = (new List<LedgerOperation>(batch.Count), new List<LedgerOperation>(batch.Count));
        var syncs = false;
        foreach (var operation in batch)
        {
            syncs |= operation.Durable && _log.IsSyncedApart;
            if (operation is not BackgroundAppend)
            {
                (operation.Durable && _log.IsSyncedApart ? onDisk : committed).Add(operation);
            }
            else if (operation.HasFailed)
            {
                _queue.Drop(1);
            }
        }

        Acknowledge(committed);
        if (!syncs)
        {
            return;
        }

        if (mayHand && !_queue.IsEmpty)
        {
            _sync.Hand(onDisk);
            return;
        }

        try
        {
            _sync.Now();
        }
        catch (Exception error)
        {
            Mend(onDisk, error);
            return;
        }

        Acknowledge(onDisk);
    }

    /// <summary>Tells the callers. A crowd is told on another thread, so that the next batch begins while they wake up.</summary>
    private void Acknowledge(List<LedgerOperation> operations)
    {
        if (operations.Count == 0)
        {
            return;
        }

        _queue.Told(operations.Count);
        if (operations.Count <= FewWaiting)
        {
            Tell(operations);
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(Tell, operations, preferLocal: false);
        }

        static void Tell(List<LedgerOperation> operations)
        {
            foreach (var operation in operations)
            {
                operation.Acknowledge();
            }
        }
    }

    private void MendForOthers(List<LedgerOperation> operations, Exception error)
    {
        TakePen();
        try
        {
            Mend(operations, error);
        }
        finally
        {
            _pen.Release();
        }
    }

    /// <summary>
    /// After a sync that failed, a later one that succeeds proves nothing: the system may have given up the pages. What stands in the log is written into the file itself and the log emptied; until
    /// that succeeds, nobody is told that something is on the disk.
    /// </summary>
    private void Mend(List<LedgerOperation> operations, Exception error)
    {
        _sync.Reopen();
        var isMended = false;
        for (var attempt = 0; attempt < 2 && !isMended; attempt++)
        {
            try
            {
                RequireSameFile();
                isMended = _log.TryEmpty();
            }
            catch (Exception another) when (another is SqliteException or StoreUnavailableException)
            {
                error = another;
            }
        }

        if (isMended)
        {
            _sync.Trust();
            Acknowledge(operations);
            return;
        }

        var unavailable = error as StoreUnavailableException ?? SqliteFailure.Unavailable(_path, error as SqliteException ?? new SqliteException(error.Message, error.HResult == NoSpace ? SqliteFailure.Full : SqliteFailure.InputOutput));
        LogBatchFailed(_logger, unavailable, operations.Count);
        foreach (var operation in operations)
        {
            operation.Fail(unavailable);
        }
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

    private void Tell()
    {
        var (ended, unreadable) = _expired;
        _expired = default;
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
            try
            {
                RowsDropped?.Invoke(lost);
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                // Whoever listens to the host's metrics may throw: the log has the number, and the writer goes on.
            }
        }
    }

    [LoggerMessage(EventId = 307, Level = LogLevel.Error, Message = "{Count} thresholds of budgets were reached and could not be told.")]
    private static partial void LogCrossingsLost(ILogger logger, Exception error, int count);
}
