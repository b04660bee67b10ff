using System.Text;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>
/// Keeps rows that the ledger could not take in a file beside it, and writes them when it can. A row that was written but not acknowledged is written once all
/// the same: its id is unique in the ledger.
/// </summary>
internal sealed class Spool(string homeDirectory, ILedgerStore store, ILogger logger) : IAsyncDisposable
{
    private readonly string _path = Path.Combine(homeDirectory, "spool.jsonl");
    private readonly string _refused = Path.Combine(homeDirectory, "spool-refused.jsonl");
    private readonly Lock _file = new();
    private readonly SemaphoreSlim _replaying = new(1, 1);
    private readonly Queue<UsageRecord> _memory = [];
    private bool _waiting;

    /// <summary>Never throws: the answer that the row is about must reach the caller.</summary>
    public void Add(UsageRecord record)
    {
        lock (_file)
        {
            Volatile.Write(ref _waiting, true);
            try
            {
                using var stream = new FileStream(_path, FileMode.Append, FileAccess.Write, FileShare.Read, 4096, FileOptions.WriteThrough);
                stream.Write(Encoding.UTF8.GetBytes(UsageRecordJson.Serialize(record) + "\n"));
                stream.Flush(flushToDisk: true);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // The disk that refuses the ledger refuses this file too, as a rule. What is left is memory, until the disk comes back or the process ends.
                _memory.Enqueue(record);
            }
        }

        Log.SpooledRecord(logger, _path);
    }

    /// <summary>Writes what waits, from this or an earlier process. Stops at the first row that the ledger still refuses.</summary>
    public async ValueTask ReplayAsync(CancellationToken cancellationToken)
    {
        if (!Volatile.Read(ref _waiting) && !IsAnythingLeft())
        {
            return;
        }

        await _replaying.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var written = 0;
            while (Take() is { } file)
            {
                foreach (var record in file.Records)
                {
                    written += await AppendAsync(record, cancellationToken).ConfigureAwait(false);
                }

                File.Delete(file.Path);
            }

            while (Peek() is { } record)
            {
                written += await AppendAsync(record, cancellationToken).ConfigureAwait(false);
                lock (_file)
                {
                    _memory.Dequeue();
                }
            }

            Volatile.Write(ref _waiting, false);

            if (written > 0)
            {
                Log.SpoolReplayed(logger, written);
            }
        }
        catch (Exception exception) when (exception is StoreUnavailableException or IOException or UnauthorizedAccessException)
        {
            Log.StoreUnavailable(logger, exception.Message);
            Volatile.Write(ref _waiting, true);
        }
        finally
        {
            _replaying.Release();
        }
    }

    /// <summary>The ledger takes rows again: what waits may follow.</summary>
    public void ReplayInBackground()
    {
        if (Volatile.Read(ref _waiting) && _replaying.CurrentCount > 0)
        {
            _ = Task.Run(() => ReplayAsync(CancellationToken.None).AsTask());
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ReplayAsync(CancellationToken.None).ConfigureAwait(false);
        lock (_file)
        {
            // A last try to leave on the disk what never got there.
            while (_memory.TryDequeue(out var record))
            {
                try
                {
                    File.AppendAllText(_path, UsageRecordJson.Serialize(record) + "\n");
                }
                catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
                {
                    Log.RecordLost(logger, exception.GetType().Name, record.Cost.Amount, record.Model, record.Id);
                }
            }
        }

        _replaying.Dispose();
    }

    // A row that the ledger will never take must not stand in the way of the others, nor of opening the ledger; it is kept where somebody can look at it.
    private async ValueTask<int> AppendAsync(UsageRecord record, CancellationToken cancellationToken)
    {
        try
        {
            await store.AppendAsync(record, cancellationToken).ConfigureAwait(false);
            return 1;
        }
        catch (Exception exception) when (exception is not (StoreUnavailableException or IOException or OperationCanceledException or OutOfMemoryException))
        {
            lock (_file)
            {
                File.AppendAllText(_refused, UsageRecordJson.Serialize(record) + "\n");
            }

            Log.RecordLost(logger, exception.GetType().Name, record.Cost.Amount, record.Model, record.Id);
            return 0;
        }
    }

    // Also the files that a process was working on when it died.
    private bool IsAnythingLeft()
    {
        try
        {
            return Directory.EnumerateFiles(homeDirectory, "spool.jsonl*").Any();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Who took the whole directory away is told by the ledger.
            return false;
        }
    }

    // The file is renamed first, so that rows added meanwhile, by any process, go into a new one and none is deleted unread.
    private (string Path, List<UsageRecord> Records)? Take()
    {
        lock (_file)
        {
            var taken = Directory.EnumerateFiles(Path.GetDirectoryName(_path)!, "spool.jsonl.*").Order(StringComparer.Ordinal).FirstOrDefault();
            if (taken is null && File.Exists(_path))
            {
                taken = $"{_path}.{CallToken.NewId()}";
                File.Move(_path, taken);
            }

            if (taken is null)
            {
                return null;
            }

            // The last line may have been cut by a crash; what it was about has expired as a reservation.
            return (taken, [.. File.ReadLines(taken).Select(UsageRecordJson.TryDeserialize).OfType<UsageRecord>()]);
        }
    }

    private UsageRecord? Peek()
    {
        lock (_file)
        {
            return _memory.TryPeek(out var record) ? record : null;
        }
    }
}
