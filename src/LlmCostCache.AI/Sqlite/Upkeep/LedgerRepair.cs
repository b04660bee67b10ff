using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>What was made right in a ledger.</summary>
/// <param name="Backup">The copy that was taken before; null when nothing had to be changed.</param>
/// <param name="Before">What was wrong.</param>
/// <param name="After">What still is: rows that were changed, lost, moved or put in are evidence and stay as they are.</param>
internal sealed record LedgerRepair(string? Backup, LedgerVerification Before, LedgerVerification After)
{
    public long Repaired => Before.Wrong - After.Wrong;

    /// <summary>Computes what is kept beside the rows (sums, counters of budgets, indices) anew from the rows. The rows themselves are never touched.</summary>
    /// <exception cref="StoreUnavailableException">The ledger cannot be written, or not even read to its end: that takes <see cref="LedgerSalvage"/>.</exception>
    public static LedgerRepair Run(string path, TimeProvider time, CancellationToken cancellationToken)
    {
        var damage = WriteAheadLog.Damage(path);
        using var connection = LedgerFile.OpenForWriting(path, time, mayCreate: false);
        try
        {
            var before = Check(connection, damage, cancellationToken);
            if (before.IsIntact)
            {
                return new LedgerRepair(null, before, before);
            }

            using var turn = UpkeepTurn.Take(path);
            var backup = CopyOf(connection, path, time);
            SqliteFile.Execute(connection, "BEGIN IMMEDIATE");
            try
            {
                SqliteFile.Execute(connection, "REINDEX");
                new LedgerVerifier(connection) { Repairs = true }.Verify(cancellationToken);

                // A head that says less than the rows is a note that was lost; one that says more is the proof that rows are missing.
                SqliteFile.Execute(connection, "COMMIT");
            }
            catch
            {
                SqliteFile.Execute(connection, "ROLLBACK");
                throw;
            }

            return new LedgerRepair(backup, before, Check(connection, damage, cancellationToken));
        }
        catch (SqliteException error)
        {
            throw error.SqliteErrorCode is 11 or 26
                ? SqliteFile.Refusal(path, "is damaged so that it cannot be read to its end. 'llmcost ledger repair --salvage FILE' saves what can be read into a new ledger.")
                : SqliteFailure.Unavailable(path, error);
        }
    }

    /// <summary>Looks at one state of the ledger: counters and rows of two would never agree beside a writer.</summary>
    private static LedgerVerification Check(SqliteConnection connection, string? damage, CancellationToken cancellationToken)
    {
        SqliteFile.Execute(connection, "BEGIN");
        try
        {
            return new LedgerVerifier(connection) { Damage = damage }.Verify(cancellationToken);
        }
        finally
        {
            SqliteFile.Execute(connection, "ROLLBACK");
        }
    }

    private static string CopyOf(SqliteConnection connection, string path, TimeProvider time)
    {
        try
        {
            return LedgerCopy.TakeBeside(connection, path, "repair", time);
        }
        catch (SqliteException)
        {
            return LedgerCopy.TakeBytes(path, "repair", time);
        }
    }

}
