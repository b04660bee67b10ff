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
    private readonly Lock _file = new();
    private readonly SemaphoreSlim _replaying = new(1, 1);
    private readonly Queue<UsageRecord> _memory = [];
    private bool _waiting;

    /// <summary>Never throws: the answer that the row is about must reach the caller.</summary>
    public void Add(UsageRecord record)
    {
        lock (_file)
        {
            _waiting = true;
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

        Log.SpooledRecord(logger, record.Id);
    }

    /// <summary>Writes what waits, from this or an earlier process. Stops at the first row that the ledger still refuses.</summary>
    public async ValueTask ReplayAsync(CancellationToken cancellationToken)
    {
        if (!Volatile.Read(ref _waiting) && !File.Exists(_path))
        {
            return;
        }

        await _replaying.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var records = Take(out var taken);
            var written = 0;
            foreach (var record in records)
            {
                await store.AppendAsync(record, cancellationToken).ConfigureAwait(false);
                written++;
            }

            if (taken is not null)
            {
                File.Delete(taken);
            }

            if (written > 0)
            {
                Log.SpoolReplayed(logger, written);
            }
        }
        catch (StoreUnavailableException exception)
        {
            Log.StoreUnavailable(logger, exception);
            Volatile.Write(ref _waiting, true);
        }
        finally
        {
            _replaying.Release();
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
                    Log.SpooledRecordLost(logger, record.Id);
                }
            }
        }

        _replaying.Dispose();
    }

    // The file is renamed first, so that rows added meanwhile, by any process, go into a new one and none is deleted unread.
    private List<UsageRecord> Take(out string? taken)
    {
        var records = new List<UsageRecord>();
        lock (_file)
        {
            taken = null;
            var pending = Directory.EnumerateFiles(Path.GetDirectoryName(_path)!, "spool.jsonl.*").Order(StringComparer.Ordinal).FirstOrDefault();
            if (pending is null && File.Exists(_path))
            {
                pending = $"{_path}.{CallToken.NewId()}";
                File.Move(_path, pending);
            }

            if (pending is not null)
            {
                taken = pending;
                foreach (var line in File.ReadLines(pending))
                {
                    // The last line may have been cut by a crash; what it was about has expired as a reservation or is lost with its process.
                    if (UsageRecordJson.TryDeserialize(line) is { } record)
                    {
                        records.Add(record);
                    }
                }
            }

            records.AddRange(_memory);
            _memory.Clear();
            _waiting = false;
        }

        return records;
    }
}
