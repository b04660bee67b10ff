using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>Reads rows as they are written: calls and adjustments, each as it stands in the ledger.</summary>
internal sealed class LedgerTail : IDisposable
{
    private const int PageSize = 500;

    private readonly SqliteConnection _connection;
    private readonly string _path;
    private long _last;

    /// <param name="path">The ledger.</param>
    /// <param name="rows">How many of the last rows to begin with.</param>
    /// <exception cref="StoreUnavailableException">There is no ledger, or it cannot be read.</exception>
    public LedgerTail(string path, int rows)
    {
        _path = path;
        _connection = LedgerFile.OpenForReading(path);
        _last = SqliteFile.Scalar(_connection, "SELECT COALESCE(MAX(seq), 0) FROM entry") - rows;
    }

    /// <summary>Hears of each row that cannot be read, by its place, and why: no writer wrote it so.</summary>
    public Action<long, string>? Unreadable { get; init; }

    /// <summary>The rows since the last time, at most five hundred; empty when there are none.</summary>
    /// <exception cref="StoreUnavailableException">The ledger cannot be read, or another file took its place: to whoever follows the old one, nothing would ever happen again.</exception>
    public IReadOnlyList<LedgerEntry> Next()
    {
        if (SqliteFile.HasMoved(_connection))
        {
            throw SqliteFile.Refusal(_path, "was removed or replaced while it was followed. Run the command again to follow what is there now.");
        }

        try
        {
            var rows = new List<LedgerEntry>();
            using var select = new SqliteStatement(_connection, $"SELECT {LedgerBook.Columns} FROM entry WHERE seq > ?1 ORDER BY seq LIMIT {PageSize}");
            for (var before = -1L; rows.Count == 0 && before != _last;)
            {
                before = _last;
                select.Bind(1, _last);
                while (select.Step())
                {
                    _last = select.Int64(0);
                    if (Read(select) is { } row)
                    {
                        rows.Add(row);
                    }
                }
            }

            return rows;
        }
        catch (SqliteException error)
        {
            throw SqliteFailure.Unavailable(_path, error);
        }
    }

    private LedgerEntry? Read(SqliteStatement select)
    {
        try
        {
            return LedgerEntry.Read(select);
        }
        catch (Exception error) when (LedgerEntry.IsUnreadable(error))
        {
            Unreadable?.Invoke(_last, error.Message);
            return null;
        }
    }

    public void Dispose() => _connection.Dispose();
}
