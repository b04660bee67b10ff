using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>Says in words what an error of SQLite means for the person who has to do something about it.</summary>
internal static class SqliteFailure
{
    public const int Busy = 5;
    public const int Locked = 6;
    public const int InputOutput = 10;
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
        8 => $"'{path}' cannot be written: {WhatIsReadOnly(path)} Choose another home directory (LlmCostsOptions.HomeDirectory, LLMCOSTCACHE_HOME or --home), or let this user write there.",
        InputOutput => $"Reading or writing '{path}' failed with an I/O error. Check the disk, then run 'llmcost ledger verify'.",
        11 => $"'{path}' is damaged. Keep a copy of it, then restore a backup; 'llmcost ledger verify' says what is wrong.",
        1 when LedgerFile.WhyNewer(path) is { } newer => $"'{path}' {newer}",
        Full => $"The disk of '{path}' is full. Free some space; nothing that was acknowledged is lost.",
        14 => $"'{path}' cannot be opened. Check that its directory exists and may be read and written by this user.",
        26 => $"'{path}' is not a SQLite database. Move it away or choose another home directory.",
        _ => $"'{path}' cannot be used: {error.Message}",
    };

    /// <summary>SQLite needs to write beside the file too, for its write-ahead log, so a directory that is read-only is one too many.</summary>
    private static string WhatIsReadOnly(string path)
    {
        if (File.Exists(path) && (File.GetAttributes(path) & FileAttributes.ReadOnly) != 0)
        {
            return "the file is read-only.";
        }

        var directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
        try
        {
            var probe = Path.Combine(directory, $".llmcost-{Guid.NewGuid():N}");
            using (new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose))
            {
            }

            return $"SQLite says it is read-only, though its directory '{directory}' is not.";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return $"its directory '{directory}' is read-only for this user, and its log stands beside it. To read it there, copy ledger.db and ledger.db-wal to a directory of your own.";
        }
    }
}
