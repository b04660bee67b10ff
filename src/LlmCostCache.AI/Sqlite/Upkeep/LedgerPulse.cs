using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>Tells cheaply whether anything was written to the ledger, and what is under way: for whoever watches it.</summary>
internal sealed class LedgerPulse : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly string _path;

    /// <exception cref="StoreUnavailableException">There is no ledger, or it cannot be read.</exception>
    public LedgerPulse(string path) => (_path, _connection) = (path, LedgerFile.OpenForReading(path));

    /// <summary>A number that changes when any other connection has written.</summary>
    public long Version => Read(() => SqliteFile.Scalar(_connection, "PRAGMA data_version"));

    /// <summary>Calls whose amount is reserved and whose outcome is not known yet, and how much that is.</summary>
    public (long Calls, Money Amount) Pending => Read(() =>
    {
        using var select = new SqliteStatement(_connection, "SELECT COUNT(*), COALESCE(SUM(amount_nanos), 0) FROM reservation WHERE state = 'pending'");
        return select.Step() ? (select.Int64(0), Money.FromNanos(select.Int64(1))) : default;
    });

    /// <summary>How many of the last rows it takes to have every one whose call was made since an instant.</summary>
    public long RowsSince(DateTimeOffset since) => Read(() =>
    {
        using var select = new SqliteStatement(_connection, "SELECT (SELECT MAX(seq) FROM entry) - MIN(seq) + 1 FROM entry INDEXED BY entry_at WHERE at >= ?1");
        return select.Bind(1, LedgerTime.Ceiling(since)).Step() && !select.IsNull(0) ? select.Int64(0) : 0;
    });

    public void Dispose() => _connection.Dispose();

    private T Read<T>(Func<T> read)
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
