using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace LlmCostCache.AI;

/// <summary>The write-ahead log of the connection that writes: taken back into the file by us and not inside a commit, where a caller would wait for it. Used by whoever writes.</summary>
internal sealed class LedgerLog : IDisposable
{
    // Once in so many operations somebody looks how long the log is: one alone takes ten of its pages.
    private const int BetweenLooks = 100;

    // A checkpoint waits for the disk twice; in a longer log more of its pages are of the same place, and are written back once.
    private const int LongLog = 4_000;

    // Where processes write and read all the time there is always somebody who still needs the log, and it begins anew only when its writers are held up for a moment.
    private const int TooLongLog = 8_000;
    private const int PatienceWithReadersMs = 250;

    // SQLITE_CHECKPOINT_NOOP: says how long the log is and does nothing (since 3.51).
    private const int OnlyLook = -1;

    private readonly SqliteConnection _connection;
    private readonly SqliteStatement _version;
    private long _dataVersion;
    private int _operations;
    private int _tooLong = TooLongLog;
    private int _inFile;

    /// <param name="connection">An open connection.</param>
    /// <param name="neverSync">Whether nothing is to wait for the disk.</param>
    public LedgerLog(SqliteConnection connection, bool neverSync)
    {
        _connection = connection;
        _version = new SqliteStatement(connection, "PRAGMA data_version");
        NoticeOthers();
        IsAlone = true;
        using var mode = new SqliteStatement(connection, "PRAGMA journal_mode");
        var isLog = mode.Step() && mode.Text(0) == "wal";
        IsSyncedApart = isLog && !neverSync;
        if (neverSync || isLog)
        {
            SqliteFile.Execute(connection, neverSync ? "PRAGMA synchronous = OFF" : "PRAGMA synchronous = NORMAL");
            SqliteFile.Execute(connection, "PRAGMA wal_autocheckpoint = 0");
        }
    }

    /// <summary>Whether commits do not wait for the disk and <see cref="LedgerSync"/> is asked for that; where the file system allows no log, each commit does.</summary>
    public bool IsSyncedApart { get; }

    /// <summary>Whether no other process has written since the transaction before, or stood in the way of one.</summary>
    public bool IsAlone { get; set; }

    /// <summary>Whether <see cref="Checkpoint"/> has to look how long the log is.</summary>
    public bool IsDue => _operations >= BetweenLooks;

    /// <summary>So many operations are about to be written.</summary>
    public void Count(int operations) => _operations += operations;

    /// <summary>Looks, inside a transaction, whether others have written since the last one.</summary>
    public void NoticeOthers()
    {
        _version.Step();
        var version = _version.Int64(0);
        _version.Reset();
        IsAlone = version == _dataVersion;
        _dataVersion = version;
    }

    /// <summary>How long a transaction waits for another process's turn.</summary>
    public void SetPatience(int milliseconds) => _ = raw.sqlite3_busy_timeout(_connection.Handle, milliseconds);

    /// <summary>Brings the log back into the file when it is long.</summary>
    /// <returns>False when the disk failed: what of the log is on it, nobody knows then, because SQLite syncs the log before.</returns>
    public bool Checkpoint()
    {
        if (!IsDue)
        {
            return true;
        }

        _operations = 0;
        if (raw.sqlite3_wal_checkpoint_v2(_connection.Handle, "main", OnlyLook, out var pages, out _) != raw.SQLITE_OK || pages < LongLog)
        {
            _tooLong = TooLongLog;
            return true;
        }

        // What stands in its way is gone at the next one. One that has stood there since the last will not go in a moment either: a long report, which nobody waits for.
        var result = raw.sqlite3_wal_checkpoint_v2(_connection.Handle, "main", raw.SQLITE_CHECKPOINT_PASSIVE, out pages, out var inFile);
        if (result != raw.SQLITE_OK)
        {
            return IsInTheWay(result);
        }

        var hasMoved = inFile != _inFile;
        _inFile = inFile;
        if (pages >= _tooLong && hasMoved)
        {
            SetPatience(PatienceWithReadersMs);
            result = raw.sqlite3_wal_checkpoint_v2(_connection.Handle, "main", raw.SQLITE_CHECKPOINT_TRUNCATE, out _, out _);
            SetPatience(SqliteFile.BusyTimeoutMs);
            _tooLong = result == raw.SQLITE_OK ? TooLongLog : pages + pages / 2;
        }

        return result == raw.SQLITE_OK || IsInTheWay(result);
    }

    /// <summary>Brings all of the log into the file, the file to the disk, and empties the log.</summary>
    /// <returns>False when others are reading or writing.</returns>
    /// <exception cref="SqliteException">The disk failed.</exception>
    public bool TryEmpty()
    {
        using var truncate = new SqliteStatement(_connection, "PRAGMA wal_checkpoint(TRUNCATE)");
        return truncate.Step() && truncate.Int64(0) == 0;
    }

    public void Dispose() => _version.Dispose();

    // Somebody reads or writes.
    private static bool IsInTheWay(int result) => (result & 0xFF) is SqliteFailure.Busy or SqliteFailure.Locked;
}
