using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>The number of the limits that hold now, read with a connection and a statement that are kept: a call that no budget counts asks for it each time.</summary>
internal sealed class LimitRevision(string path) : IDisposable
{
    private readonly Lock _lock = new();
    private SqliteConnection? _connection;
    private SqliteStatement? _select;
    private bool _disposed;

    /// <summary>The number; changed by whoever sets a limit, in any process.</summary>
    /// <exception cref="StoreUnavailableException">The ledger cannot be read.</exception>
    public long Read()
    {
        // A few microseconds each, so that callers wait for one another less long than a further connection would take to open.
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(LlmCosts));
            try
            {
                if (_connection is null || SqliteFile.HasMoved(_connection))
                    Open_NeedsLock();

                return BudgetSettingText.ReadRevision(_select!);
            }
            catch (SqliteException error)
            {
                Close_NeedsLock();
                throw SqliteFailure.Unavailable(path, error);
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            Close_NeedsLock();
        }
    }

    private void Open_NeedsLock()
    {
        Close_NeedsLock();
        _connection = LedgerFile.OpenForReading(path);
        _select = new SqliteStatement(_connection, BudgetSettingText.Revision);
    }

    private void Close_NeedsLock()
    {
        _select?.Dispose();
        _connection?.Dispose();
        (_select, _connection) = (null, null);
    }
}
