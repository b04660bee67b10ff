using System.Globalization;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>The ledger of another device or person, as it stood when it was opened. It is only read.</summary>
internal sealed class ForeignLedger : IDisposable
{
    private readonly string _path;
    private readonly string? _damage;
    private readonly SqliteConnection _connection;
    private readonly SqliteStatement _select;
    private long _last;

    /// <exception cref="StoreUnavailableException">It is no ledger, or cannot be read.</exception>
    public ForeignLedger(string path)
    {
        // Before SQLite opens the file: it forgets what it cannot read of the log.
        (_path, _damage) = (path, WriteAheadLog.Damage(path));
        _connection = LedgerFile.OpenForReading(path);

        // One snapshot: what was verified is what is read.
        SqliteFile.Execute(_connection, "BEGIN");
        var columns = string.Join(", ", LedgerBook.Columns.Split(',').Select(static column => "e." + column.Trim()));
        _select = new SqliteStatement(_connection, string.Create(CultureInfo.InvariantCulture, $"""
            SELECT {columns}, c.id, (SELECT p.id FROM entry p WHERE p.adjusts = e.adjusts AND p.seq < e.seq ORDER BY p.seq DESC LIMIT 1)
              FROM entry e LEFT JOIN entry c ON c.seq = e.adjusts
             WHERE e.seq > ?1 ORDER BY e.seq LIMIT {SqliteLedgerStore.IntakeBatch}
            """));
    }

    /// <summary>Hears of each row that cannot be read, by its place, and why: no writer wrote it so.</summary>
    public Action<long, string>? Unreadable { get; set; }

    /// <summary>How many of its first rows lie in archives beside it, and are not read.</summary>
    public long Archived => Guarded(() => new LedgerArchives(_connection).Through);

    public LedgerVerification Verify(CancellationToken cancellationToken) => Guarded(() => new LedgerVerifier(_connection) { Damage = _damage }.Verify(cancellationToken));

    /// <summary>The next rows, calls before what corrects them; none at the end.</summary>
    public IReadOnlyList<ForeignRow> Next() => Guarded(() =>
    {
        var rows = new List<ForeignRow>(SqliteLedgerStore.IntakeBatch);
        for (var before = -1L; rows.Count == 0 && before != _last;)
        {
            before = _last;
            _select.Bind(1, _last);
            while (_select.Step())
            {
                _last = _select.Int64(0);
                if (Read() is { } row)
                {
                    rows.Add(row);
                }
            }
        }

        return rows;
    });

    private ForeignRow? Read()
    {
        try
        {
            var entry = LedgerEntry.Read(_select);

            // A correction whose call is gone belongs to nothing that has an id.
            return new ForeignRow(entry, entry.IsAdjustment ? _select.NullableText(_select.Columns - 2) ?? "" : null, _select.NullableText(_select.Columns - 1));
        }
        catch (Exception error) when (LedgerEntry.IsUnreadable(error))
        {
            Unreadable?.Invoke(_last, error.Message);
            return null;
        }
    }

    public void Dispose()
    {
        _select.Dispose();
        _connection.Dispose();
    }

    private T Guarded<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (SqliteException error)
        {
            throw SqliteFailure.Unavailable(_path, error);
        }
    }
}
