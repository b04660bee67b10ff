using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace LlmCostCache.AI;

/// <summary>What giving free pages back to the disk brought.</summary>
/// <param name="BytesBefore">The file with its write-ahead log, before.</param>
/// <param name="BytesAfter">The same, after.</param>
internal sealed record LedgerCompaction(long BytesBefore, long BytesAfter)
{
    // The new file is built in the temporary directory and then written through the write-ahead log.
    private const int Copies = 2;
    private const long Reserve = 16 << 20;

    /// <summary>Writes the file anew without its free pages. No row changes; who writes meanwhile waits, a minute at most: in a very large ledger compact when little is going on.</summary>
    /// <exception cref="StoreUnavailableException">There is too little room on the disk, or somebody else is writing.</exception>
    /// <exception cref="OperationCanceledException">It was called off; the file is as it was.</exception>
    public static LedgerCompaction Run(string path, TimeProvider time, Func<string, long>? freeSpace = null, CancellationToken cancellationToken = default)
    {
        using var connection = LedgerFile.OpenForWriting(path, time, mayCreate: false);
        try
        {
            var before = Size(path);
            var used = (SqliteFile.Scalar(connection, "PRAGMA page_count") - SqliteFile.Scalar(connection, "PRAGMA freelist_count")) * SqliteFile.Scalar(connection, "PRAGMA page_size");
            var needed = (Copies * used) + Reserve;
            var free = (freeSpace ?? FreeSpace)(path);
            if (free < needed)
            {
                throw SqliteFile.Refusal(path, string.Create(CultureInfo.InvariantCulture, $"needs {needed:N0} bytes on its disk to be compacted, and {free:N0} are free. Nothing was changed; make room first."));
            }

            using var turn = UpkeepTurn.Take(path);
            using var interruption = cancellationToken.Register(() => raw.sqlite3_interrupt(connection.Handle));
            cancellationToken.ThrowIfCancellationRequested();

            // SQLite's own temporary file would lie on another, perhaps smaller disk.
            SqliteFile.Execute(connection, "PRAGMA temp_store = FILE");
            SqliteFile.Execute(connection, "VACUUM");
            SqliteFile.Execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
            return new LedgerCompaction(before, Size(path));
        }
        catch (SqliteException error) when (error.SqliteErrorCode == raw.SQLITE_INTERRUPT)
        {
            throw new OperationCanceledException("The ledger was not compacted.", error, cancellationToken);
        }
        catch (SqliteException error)
        {
            throw SqliteFailure.Unavailable(path, error);
        }
    }

    private static long Size(string path) => new FileInfo(path).Length + (File.Exists(path + "-wal") ? new FileInfo(path + "-wal").Length : 0);

    private static long FreeSpace(string path) => new DriveInfo(Path.GetDirectoryName(Path.GetFullPath(path))!).AvailableFreeSpace;
}
