using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace LlmCostCache.AI;

/// <summary>A copy of the ledger that was checked, row by row, before it got its name.</summary>
/// <param name="File">Where it is.</param>
/// <param name="Bytes">How large it is.</param>
/// <param name="Check">What the check of the copy found.</param>
internal sealed record LedgerBackup(string File, long Bytes, LedgerVerification Check)
{
    /// <summary>Copies the ledger while others write to it.</summary>
    /// <exception cref="StoreUnavailableException">The ledger cannot be read, or the copy cannot be written.</exception>
    /// <exception cref="OperationCanceledException">It was called off; there is no copy.</exception>
    public static LedgerBackup Take(string path, string target, CancellationToken cancellationToken)
    {
        target = Path.GetFullPath(target);
        if (System.IO.File.Exists(target) || Directory.Exists(target))
        {
            throw SqliteFile.Refusal(target, "is there already. Name another file, or move it away.");
        }

        try
        {
            using var connection = LedgerFile.OpenForReading(path, asIs: true);
            using var interruption = cancellationToken.Register(() => raw.sqlite3_interrupt(connection.Handle));
            cancellationToken.ThrowIfCancellationRequested();
            LedgerVerification? check = null;
            LedgerCopy.Take(connection, target, draft => check = CheckOf(draft, LedgerArchive.DirectoryOf(path), cancellationToken));
            return new LedgerBackup(target, new FileInfo(target).Length, check!);
        }
        catch (SqliteException error) when (error.SqliteErrorCode == raw.SQLITE_INTERRUPT)
        {
            throw new OperationCanceledException("The ledger was not copied.", error, cancellationToken);
        }
        catch (SqliteException error)
        {
            throw SqliteFailure.Unavailable(path, error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw SqliteFile.Refusal(target, $"cannot be written: {error.Message} The ledger is as it was.");
        }
    }

    private static LedgerVerification CheckOf(string draft, string archives, CancellationToken cancellationToken)
    {
        using var copy = LedgerFile.OpenForReading(draft);
        return new LedgerVerifier(copy) { ArchiveDirectory = archives }.Verify(cancellationToken);
    }
}
