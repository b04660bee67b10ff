using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>Deletes what is over and, when the file is too large, what is used least. In small transactions, so that nobody waits long for a turn.</summary>
internal sealed class DiskHousekeeping(long limit, TimeProvider time)
{
    private const int RowsAtATime = 200;
    private const int PagesAtATime = 500;

    // A hit is worth as much as being used an hour later, up to a day: what is asked for again and again outlives a flood of questions that are not.
    private const long MillisecondsPerHit = 3_600_000;
    private const long MostHits = 24;

    private static readonly TimeSpan s_sweepEvery = TimeSpan.FromMinutes(1);

    // How much may be written between two looks at the size of the file: a look takes as long as writing a small answer.
    private readonly long _between = limit / 128;

    private long? _sweptAt;
    private long _written = long.MaxValue;

    /// <summary>Whether a minute has passed since the last sweep.</summary>
    public bool IsDue() => _sweptAt is not { } sweptAt || time.GetElapsedTime(sweptAt) >= s_sweepEvery;

    /// <summary>Deletes answers that nobody may be given any more, old invalidations and forgotten leases.</summary>
    public void Sweep(SqliteConnection connection)
    {
        _sweptAt = time.GetTimestamp();
        var now = time.GetUtcNow();
        using var sweep = new SqliteStatement(connection,
            $"DELETE FROM answer WHERE id IN (SELECT id FROM answer WHERE kept_until <= ?1 ORDER BY kept_until LIMIT {RowsAtATime})");
        while (sweep.Bind(1, now.ToUnixTimeMilliseconds()).Run() > 0)
        {
        }

        using var forget = new SqliteStatement(connection, "DELETE FROM invalidation WHERE stamp < ?1");
        forget.Bind(1, (now - CachePolicy.LongestTimeToLive - StoredAnswer.ClockTolerance).UtcTicks).Run();
        using var leases = new SqliteStatement(connection, "DELETE FROM lease WHERE expires_at <= ?1");
        leases.Bind(1, (now - s_sweepEvery).ToUnixTimeMilliseconds()).Run();
    }

    /// <summary>Brings the file back to nine tenths of its limit when it is over it.</summary>
    /// <param name="connection">The writer's connection.</param>
    /// <param name="written">About how many bytes were written since the last call.</param>
    /// <param name="looks">Whether to look at the size even when little was written.</param>
    public void Evict(SqliteConnection connection, long written, bool looks)
    {
        _written = Math.Min(_written, long.MaxValue - written) + written;
        if (!looks && _written <= _between)
            return;

        _written = 0;
        if (UsedBytes(connection) <= limit)
            return;

        var target = limit - (limit / 10);
        while (UsedBytes(connection) is var used && used > target)
        {
            if (EvictSome(connection, used - target) == 0)
                break;
        }

        // Free pages are filled again; only what is beyond the limit is given back.
        while (Pages(connection) > limit / DiskFile.PageSize && SqliteFile.Scalar(connection, "PRAGMA freelist_count") > 0)
            SqliteFile.Execute(connection, $"PRAGMA incremental_vacuum({PagesAtATime})");
    }

    private static long Pages(SqliteConnection connection) => SqliteFile.Scalar(connection, "PRAGMA page_count");

    private static long UsedBytes(SqliteConnection connection) =>
        DiskFile.PageSize * (Pages(connection) - SqliteFile.Scalar(connection, "PRAGMA freelist_count"));

    private static int EvictSome(SqliteConnection connection, long bytes)
    {
        // Chosen first, without a lock; only the deletions are written.
        var chosen = new List<long>();
        using (var choose = new SqliteStatement(connection, $"""
            SELECT id, bytes FROM answer ORDER BY used_at + min(hits, {MostHits}) * {MillisecondsPerHit}, id
             LIMIT max(1, (SELECT count(*) FROM answer) / 10)
            """))
        {
            while (bytes > 0 && choose.Step())
            {
                chosen.Add(choose.Int64(0));
                bytes -= Math.Max(1, choose.Int64(1));
            }

            choose.Reset();
        }

        using var delete = new SqliteStatement(connection, "DELETE FROM answer WHERE id = ?1");
        foreach (var some in chosen.Chunk(RowsAtATime))
        {
            SqliteFile.Execute(connection, "BEGIN IMMEDIATE");
            try
            {
                foreach (var id in some)
                    delete.Bind(1, id).Run();

                SqliteFile.Execute(connection, "COMMIT");
            }
            catch
            {
                SqliteFile.Execute(connection, "ROLLBACK");
                throw;
            }
        }

        return chosen.Count;
    }
}
