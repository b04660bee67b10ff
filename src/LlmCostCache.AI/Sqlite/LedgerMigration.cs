using System.Globalization;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>
/// Brings an older ledger up to date, in one transaction, after a copy of it was made. Of several processes that try one does it; the others wait, and say so. Who writes meanwhile waits as for a
/// repair, and spools what it cannot write.
/// </summary>
internal sealed class LedgerMigration(string path, TimeProvider time, IReadOnlyList<string> steps)
{
    // For the write lock, from processes that use the ledger as it is; SQLite queues nobody.
    private const int Tries = 5;

    /// <summary>How long a process that does it is waited for.</summary>
    /// <value>Ten minutes: longer than the largest ledger takes, and one that hangs does not keep others from starting for good.</value>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Hears what is done, or waited for.</summary>
    public Action<string>? Progress { get; init; }

    /// <exception cref="StoreUnavailableException">Another process has been at it for too long.</exception>
    public void Run(SqliteConnection connection)
    {
        if (SqliteFile.Scalar(connection, "PRAGMA user_version") >= steps.Count)
        {
            return;
        }

        // One process at a time, so that there is one copy and nobody takes away what another is writing.
        using var turn = TakeTurn();
        var version = SqliteFile.Scalar(connection, "PRAGMA user_version");
        if (version >= steps.Count)
        {
            return;
        }

        Say($"'{path}' is brought up to date, from schema {version} to {steps.Count}; a copy of its {new FileInfo(path).Length >> 20:N0} MB is made first.");
        Copy(connection, version);
        SqliteFile.Execute(connection, "PRAGMA synchronous = FULL");
        using var upkeep = UpkeepTurn.Take(path);
        Begin(connection);
        try
        {
            Say($"The copy of '{path}' is made; its sums are added up.");
            Apply(connection, steps, (int)SqliteFile.Scalar(connection, "PRAGMA user_version"));
            SqliteFile.Execute(connection, "COMMIT");
        }
        catch
        {
            // SQLite has undone it already where the disk is full or fails; to undo it again would be the error that is told.
            if (SQLitePCL.raw.sqlite3_get_autocommit(connection.Handle!) == 0)
            {
                SqliteFile.Execute(connection, "ROLLBACK");
            }

            throw;
        }

        Say($"'{path}' is up to date.");
    }

    /// <summary>Runs the steps behind a version, in the transaction that the caller began.</summary>
    public static void Apply(SqliteConnection connection, IReadOnlyList<string> steps, int from)
    {
        for (var step = from; step < steps.Count; step++)
        {
            using var command = connection.CreateCommand();
            command.CommandText = steps[step];
            command.ExecuteNonQuery();
        }

        SqliteFile.Execute(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA user_version = {Math.Max(from, steps.Count)}"));
    }

    private FileStream TakeTurn()
    {
        try
        {
            return SqliteFile.TakeTurn(path, Patience, waited => Say($"Another process brings '{path}' up to date; waiting for its end, {waited.TotalSeconds:0} seconds so far."));
        }
        catch (IOException error) when (SqliteFile.IsHeldByAnother(error))
        {
            throw SqliteFile.Refusal(path, string.Create(CultureInfo.InvariantCulture,
                $"has been brought up to date by another process for more than {Patience.TotalMinutes:0} minutes now. Nothing is lost; wait for its end, or end it, and start again."));
        }
    }

    private void Copy(SqliteConnection connection, long version)
    {
        var why = string.Create(CultureInfo.InvariantCulture, $"schema-{version}");
        var leftBehind = Directory.GetFiles(Path.GetDirectoryName(path)!, $"{Path.GetFileName(path)}.{why}.*.bak*");
        LedgerCopy.TakeBeside(connection, path, why, time);

        // The ledger is of this schema still: copies of it are those of migrations that were interrupted, and the new one holds all that they do.
        foreach (var copy in leftBehind)
        {
            File.Delete(copy);
        }
    }

    private static void Begin(SqliteConnection connection)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                SqliteFile.Execute(connection, "BEGIN IMMEDIATE");
                return;
            }
            catch (SqliteException error) when (error.SqliteErrorCode == SqliteFailure.Busy && tries < Tries)
            {
                // Each wait is one of five seconds.
            }
        }
    }

    private void Say(FormattableString message) => Progress?.Invoke(message.ToString(CultureInfo.InvariantCulture));
}
