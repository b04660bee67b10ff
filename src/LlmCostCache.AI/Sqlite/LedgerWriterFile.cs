using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>The file under the writer: still the same one, opened again after an error, closed at the end.</summary>
internal sealed partial class LedgerWriter
{
    private void RequireSameFile()
    {
        if (SqliteFile.HasMoved(_connection))
        {
            throw File.Exists(_path) ? LedgerFile.Replaced(_path) : LedgerFile.Gone(_path);
        }
    }

    private void Undo()
    {
        try
        {
            _book.Rollback();
        }
        catch (SqliteException)
        {
            TryReopen();
        }
    }

    private void Reopen()
    {
        RequireSameFile();
        var connection = LedgerFile.OpenForWriting(_path, _time, mayCreate: false);
        LedgerLog log;
        try
        {
            // It asks the file. Only when it has answered do the old ones go: nothing can be written with those that are closed.
            log = new LedgerLog(connection, _neverSync);
        }
        catch
        {
            connection.Dispose();
            throw;
        }

        var book = new LedgerBook(connection, _time);
        book.Doubt(_book);
        _book.Dispose();
        _log.Dispose();
        _connection.Dispose();
        (_connection, _log, _book) = (connection, log, book);
        _sync.Reopen();
    }

    private void TryReopen()
    {
        try
        {
            Reopen();
        }
        catch (Exception error) when (error is StoreUnavailableException or SqliteException)
        {
            LogStillUnavailable(_logger, error);
        }
    }

    private void Close()
    {
        try
        {
            _log.TryEmpty();
        }
        catch (SqliteException error)
        {
            // Readers may still be at work; whoever opens the ledger next continues from the WAL.
            LogNotCheckpointed(_logger, error);
        }

        _sync.Close();
        _book.Dispose();
        _log.Dispose();
        _connection.Dispose();
    }

    [LoggerMessage(EventId = 302, Level = LogLevel.Error, Message = "The ledger cannot be opened again; it is tried with the next operation.")]
    private static partial void LogStillUnavailable(ILogger logger, Exception error);

    [LoggerMessage(EventId = 303, Level = LogLevel.Debug, Message = "The ledger was closed without emptying its write-ahead log.")]
    private static partial void LogNotCheckpointed(ILogger logger, Exception error);
}
