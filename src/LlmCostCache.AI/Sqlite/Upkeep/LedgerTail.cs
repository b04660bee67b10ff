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

    /// <summary>The rows since the last time, at most five hundred; empty when there are none.</summary>
    public IReadOnlyList<LedgerEntry> Next()
    {
        try
        {
            var rows = new List<LedgerEntry>();
            using var select = new SqliteStatement(_connection, $"SELECT {LedgerBook.Columns} FROM entry WHERE seq > ?1 ORDER BY seq LIMIT {PageSize}");
            select.Bind(1, _last);
            while (select.Step())
            {
                rows.Add(LedgerEntry.Read(select));
            }

            _last = rows.Count > 0 ? rows[^1].Sequence : _last;
            return rows;
        }
        catch (SqliteException error)
        {
            throw SqliteFailure.Unavailable(_path, error);
        }
    }

    public void Dispose() => _connection.Dispose();
}
