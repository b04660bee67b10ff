using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>Says in words what an error of SQLite means for the person who has to do something about it.</summary>
internal static class SqliteFailure
{
    public const int Busy = 5;
    public const int Locked = 6;
    public const int Full = 13;
    public const int Constraint = 19;

    /// <summary>SQLITE_CONSTRAINT_DATATYPE: a sum left the integers.</summary>
    public const int WrongType = 3091;

    /// <summary>Whether the error concerns one statement only, so that the rest of the transaction is sound.</summary>
    public static bool ConcernsOneStatement(SqliteException error) => error.SqliteErrorCode is 1 or Constraint or 18 or 20 or 25;

    public static StoreUnavailableException Unavailable(string path, Exception error) => new(Message(path, error), error) { Store = path };

    private static string Message(string path, Exception error) => (error as SqliteException)?.SqliteErrorCode switch
    {
        Busy or Locked => $"'{path}' is locked: another process has been writing to it for more than five seconds. Try again; if it stays so, find the process that holds it.",
        8 => $"'{path}' cannot be written: it, its directory or its disk is read-only. Make it writable or choose another home directory.",
        10 => $"Reading or writing '{path}' failed with an I/O error. Check the disk, then run 'llmcost ledger verify'.",
        11 => $"'{path}' is damaged. Keep a copy of it, then restore a backup; 'llmcost ledger verify' says what is wrong.",
        Full => $"The disk of '{path}' is full. Free some space; nothing that was acknowledged is lost.",
        14 => $"'{path}' cannot be opened. Check that its directory exists and may be read and written by this user.",
        26 => $"'{path}' is not a SQLite database. Move it away or choose another home directory.",
        _ => $"'{path}' cannot be used: {error.Message}",
    };
}
