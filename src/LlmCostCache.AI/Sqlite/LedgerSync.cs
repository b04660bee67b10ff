using System.Diagnostics;
using Microsoft.Win32.SafeHandles;

namespace LlmCostCache.AI;

/// <summary>
/// Brings what was committed to the disk, and tells those who wait for that. SQLite would do it inside the commit, with the file's only lock held; a sync of the log after the commit
/// promises the same, and other transactions begin meanwhile (docs/decisions/sync-beside-the-writer.md).
/// </summary>
internal sealed class LedgerSync
{
    private readonly string _log;
    private readonly Action<List<LedgerOperation>, Exception> _failed;
    private readonly object _gate = new();
    private readonly Lock _file = new();
    private List<LedgerOperation> _waiting = [];
    private SafeFileHandle? _handle;
    private Thread? _thread;
    private bool _isWanted;
    private bool _isBusy;
    private bool _isClosed;
    private long _took;

    /// <param name="path">The ledger's file.</param>
    /// <param name="failed">Is told, on the thread of this object, for whom a sync failed.</param>
    public LedgerSync(string path, Action<List<LedgerOperation>, Exception> failed)
    {
        _log = path + "-wal";
        _failed = failed;
    }

    /// <summary>How long the last sync took.</summary>
    public TimeSpan Took => TimeSpan.FromTicks(Interlocked.Read(ref _took));

    /// <summary>
    /// Whether a sync failed and nothing has been done about it: a later one that succeeds proves nothing then. Set where the sync fails, so that nobody else's sync comes between.
    /// </summary>
    public bool IsInDoubt { get; private set; }

    /// <summary>Returns when everything that was committed before is on the disk.</summary>
    /// <exception cref="IOException">It is not, or nobody knows.</exception>
    /// <exception cref="UnauthorizedAccessException">The log may not be opened.</exception>
    public void Now()
    {
        var began = Stopwatch.GetTimestamp();
        lock (_file)
        {
            if (IsInDoubt)
            {
                throw new IOException("An earlier write did not reach the disk.");
            }

            IsInDoubt = true;
            _handle ??= File.OpenHandle(_log, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            DiskSync.Sync(_handle);
            IsInDoubt = false;
        }

        Interlocked.Exchange(ref _took, Stopwatch.GetElapsedTime(began).Ticks);
    }

    /// <summary>Syncs on another thread, as soon as the sync before has ended, and then tells them; also when nobody waits for what was committed.</summary>
    public void Hand(List<LedgerOperation> operations)
    {
        lock (_gate)
        {
            if (_thread is null)
            {
                _thread = new Thread(Run) { IsBackground = true, Name = "llmcost ledger sync" };
                _thread.Start();
            }

            _waiting.AddRange(operations);
            _isWanted = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>The log is opened again with the next sync: its name may stand for another file.</summary>
    public void Reopen()
    {
        lock (_file)
        {
            _handle?.Dispose();
            _handle = null;
        }
    }

    /// <summary>Somebody else's sync of the log failed.</summary>
    public void Doubt()
    {
        lock (_file)
            IsInDoubt = true;
    }

    /// <summary>The log was brought into the file and emptied: syncs count again.</summary>
    public void Trust()
    {
        lock (_file)
            IsInDoubt = false;
    }

    /// <summary>Waits until everybody was told.</summary>
    public void Finish()
    {
        lock (_gate)
        {
            while (_isWanted || _isBusy)
                Monitor.Wait(_gate);
        }
    }

    /// <summary>Ends the thread, after <see cref="Finish"/>.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            Monitor.PulseAll(_gate);
        }

        Reopen();
    }

    private void Run()
    {
        var batch = new List<LedgerOperation>();
        while (true)
        {
            lock (_gate)
            {
                _isBusy = false;
                Monitor.PulseAll(_gate);
                while (!_isWanted)
                {
                    if (_isClosed)
                        return;
                    Monitor.Wait(_gate);
                }

                (batch, _waiting) = (_waiting, batch);
                (_isWanted, _isBusy) = (false, true);
            }

            try
            {
                Now();
                foreach (var operation in batch)
                {
                    operation.Acknowledge();
                }
            }
            catch (Exception error)
            {
                // Whatever it was: the callers are told, and the thread goes on.
                _failed([.. batch], error);
            }

            batch.Clear();
        }
    }
}
