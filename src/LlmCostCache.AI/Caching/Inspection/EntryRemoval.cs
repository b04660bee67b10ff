using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>Deletes rows that nobody serves, in short transactions beside whoever uses the file.</summary>
internal static class EntryRemoval
{
    private const int RowsAtATime = 100;

    /// <summary>Deletes bad rows; one that was written anew meanwhile stays.</summary>
    /// <returns>How many were deleted.</returns>
    /// <exception cref="StoreUnavailableException">The file cannot be written.</exception>
    public static long OfBad(string path, IReadOnlyList<BadRow> rows) => Guarded(path, connection =>
    {
        using var delete = new SqliteStatement(connection, "DELETE FROM answer WHERE id = ?1 AND (asked_at = ?2 OR ?2 IS NULL)");
        var deleted = 0L;
        foreach (var some in rows.Chunk(RowsAtATime))
        {
            SqliteFile.Execute(connection, "BEGIN IMMEDIATE");
            foreach (var row in some)
            {
                deleted += delete.Bind(1, row.Id).Bind(2, row.AskedAt).Run();
            }

            SqliteFile.Execute(connection, "COMMIT");
        }

        return deleted;
    });

    /// <summary>Deletes what had expired by then.</summary>
    /// <returns>How many were deleted.</returns>
    /// <exception cref="StoreUnavailableException">The file cannot be written.</exception>
    public static long OfExpired(string path, DateTimeOffset now) => Guarded(path, connection =>
    {
        using var delete = new SqliteStatement(connection, "DELETE FROM answer WHERE id IN (SELECT id FROM answer WHERE expires_at <= ?1 LIMIT ?2)");
        var deleted = 0L;
        while (delete.Bind(1, now.ToUnixTimeMilliseconds()).Bind(2, RowsAtATime).Run() is > 0 and var some)
        {
            deleted += some;
        }

        return deleted;
    });

    private static long Guarded(string path, Func<SqliteConnection, long> delete)
    {
        try
        {
            using var connection = SqliteFile.Open(path, SqliteOpenMode.ReadWrite);
            return delete(connection);
        }
        catch (SqliteException error)
        {
            throw CacheFile.Unavailable(path, error);
        }
    }
}
