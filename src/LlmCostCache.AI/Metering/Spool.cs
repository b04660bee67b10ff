using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>
/// Keeps rows that the ledger could not take in a file beside it, and writes them when it can. A row that was written but not acknowledged is written once all
/// the same: its id is unique in the ledger.
/// </summary>
internal sealed class Spool(string homeDirectory, ILedgerStore store, ILogger logger, int mostInMemory = Spool.MostInMemory) : IAsyncDisposable
{
    // About a hundred megabytes. An application that goes on for that long without a disk loses rows rather than its life; each is in the log.
    private const int MostInMemory = 100_000;

    // The answer that a row is about waits meanwhile; closing may take longer, because then the row is lost.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_lastPatience = TimeSpan.FromSeconds(10);

    private static readonly EnumerationOptions s_simply = new() { MatchType = MatchType.Simple };

    private readonly string _path = Path.Combine(homeDirectory, "spool.jsonl");
    private readonly string _turn = Path.Combine(homeDirectory, ".spool");
    private readonly string _refused = Path.Combine(homeDirectory, "spool-refused.jsonl");
    private readonly Lock _file = new();
    private readonly SemaphoreSlim _replaying = new(1, 1);
    private readonly Queue<UsageRecord> _memory = [];
    private bool _waiting;
    private volatile bool _closing;

    /// <summary>Never throws: the answer that the row is about must reach the caller.</summary>
    public void Add(UsageRecord record)
    {
        var (place, failure) = (_path, (Exception?)null);
        lock (_file)
        {
            Volatile.Write(ref _waiting, true);
            try
            {
                Write(_path, record);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // The disk that refuses the ledger refuses this file too, as a rule. What is left is memory, until the disk comes back or the process ends.
                (place, failure) = ("memory", exception);
                if (_memory.Count < mostInMemory)
                {
                    _memory.Enqueue(record);
                    failure = null;
                }
            }
        }

        if (failure is null)
        {
            Log.SpooledRecord(logger, place);
        }
        else
        {
            Log.RecordLost(logger, failure.GetType().Name, record.Cost.Amount, record.Model, record.Id);
        }
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
            // Before the first look: a row that is added from now on says again that something waits.
            Volatile.Write(ref _waiting, false);
            var written = 0;
            var putOff = new List<UsageRecord>();
            var taken = new List<string>();
            while (Take(taken) is { } file)
            {
                foreach (var record in file.Records)
                {
                    written += await AppendAsync(record, putOff, cancellationToken).ConfigureAwait(false);
                }

                taken.Add(file.Path);
                if (putOff.Count == 0)
                {
                    File.Delete(file.Path);
                }
            }
            while (Peek() is { } record)
            {
                putOff.Clear();
                written += await AppendAsync(record, putOff, cancellationToken).ConfigureAwait(false);
                PutBack(putOff, []);
                lock (_file)
                {
                    _memory.Dequeue();
                }
            }

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
        catch (OperationCanceledException)
        {
            Volatile.Write(ref _waiting, true);
            throw;
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
        _closing = true;
        await ReplayAsync(CancellationToken.None).ConfigureAwait(false);
        lock (_file)
        {
            // A last try to leave on the disk what never got there.
            while (_memory.TryDequeue(out var record))
            {
                try
                {
                    Write(_path, record);
                }
                catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
                {
                    Log.RecordLost(logger, exception.GetType().Name, record.Cost.Amount, record.Model, record.Id);
                }
            }
        }

        _replaying.Dispose();
    }

    /// <summary>Keeps what waits for a file for the next start, or flush: not for the next call, because a file that is away stays away for long.</summary>
    private void PutBack(List<UsageRecord> putOff, List<string> taken)
    {
        lock (_file)
        {
            foreach (var record in putOff)
            {
                Write(_path, record);
            }
        }

        // Only now: a process that dies before has them twice, and the ledger takes each once.
        taken.ForEach(File.Delete);
    }

    // A row that the ledger will never take must not stand in the way of the others, nor of opening the ledger; it is kept where somebody can look at it.
    private async ValueTask<int> AppendAsync(UsageRecord record, List<UsageRecord> putOff, CancellationToken cancellationToken)
    {
        try
        {
            await store.AppendAsync(record, cancellationToken).ConfigureAwait(false);
            return 1;
        }
        catch (StoreUnavailableException exception) when (LedgerArchive.IsIn(homeDirectory, exception.Store))
        {
            // It corrects a call whose archive is away; the ledger takes all others.
            Log.StoreUnavailable(logger, exception.Message);
            putOff.Add(record);
            return 0;
        }
        catch (Exception exception) when (exception is not (StoreUnavailableException or IOException or OperationCanceledException or OutOfMemoryException))
        {
            lock (_file)
            {
                Write(_refused, record);
            }

            Log.RecordLost(logger, exception.GetType().Name, record.Cost.Amount, record.Model, record.Id);
            return 0;
        }
    }

    private void Write(string path, UsageRecord record)
    {
        using var turn = TakeTurn();
        using var stream = OpenPrivate(path, FileShare.Read, FileOptions.WriteThrough);

        // The line before may have been cut, by a crash or a full disk: this row must not be lost with it.
        var line = Encoding.UTF8.GetBytes(UsageRecordJson.Serialize(record) + "\n");
        if (stream.Length > 0)
        {
            stream.Seek(-1, SeekOrigin.End);
            line = stream.ReadByte() == '\n' ? line : [(byte)'\n', .. line];
        }

        stream.Write(line);
        stream.Flush();
        DiskSync.Sync(stream.SafeFileHandle);
    }

    /// <summary>
    /// One process at a time: two that append at once would write over each other, and one that writes to a file while another takes it away would write for nobody. The file stays, because
    /// one that is deleted when it is let go could be held twice.
    /// </summary>
    /// <exception cref="IOException">Others have held it for too long.</exception>
    private FileStream TakeTurn()
    {
        using var pause = new ManualResetEventSlim();
        var since = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return OpenPrivate(_turn, FileShare.None, FileOptions.None);
            }
            catch (IOException error) when (error is not (FileNotFoundException or DirectoryNotFoundException) && Stopwatch.GetElapsedTime(since) < (_closing ? s_lastPatience : s_patience))
            {
                // Not all at the same moments, or the same one comes too late each time.
                pause.Wait(TimeSpan.FromMilliseconds(Random.Shared.Next(1, 10)));
            }
        }
    }

    private static FileStream OpenPrivate(string path, FileShare share, FileOptions how)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = share, Options = how };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return new FileStream(path, options);
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
    private (string Path, List<UsageRecord> Records)? Take(List<string> before)
    {
        lock (_file)
        {
            if (!IsAnythingLeft())
            {
                return null;
            }

            using var turn = TakeTurn();

            // Simple matching: else "spool.jsonl.*" finds "spool.jsonl" as well, into which others write at this moment.
            var taken = Directory.EnumerateFiles(homeDirectory, "spool.jsonl.*", s_simply).Except(before).Order(StringComparer.Ordinal).FirstOrDefault();
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
