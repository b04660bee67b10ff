using System.Collections.Immutable;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>How large a ledger is, how it grows, and what stands open in it.</summary>
internal sealed record LedgerStatistics
{
    private const int Days = 7;

    public required string File { get; init; }

    public required long Schema { get; init; }

    public required long Rows { get; init; }

    public required long Adjustments { get; init; }

    public required DateTimeOffset? Oldest { get; init; }

    public required DateTimeOffset? Newest { get; init; }

    /// <summary>Rows written in the last seven days.</summary>
    public required long RowsLately { get; init; }

    public required long FileBytes { get; init; }

    public required long LogBytes { get; init; }

    public required long FreeBytes { get; init; }

    public required long Budgets { get; init; }

    public required long OpenWindows { get; init; }

    public required long Holds { get; init; }

    public required Money Held { get; init; }

    /// <summary>Reservations past their deadline that nobody has booked yet: the next one to reserve does it.</summary>
    public required long Overdue { get; init; }

    /// <summary>Rows that wait in a file beside the ledger because it could not take them.</summary>
    public required long Spooled { get; init; }

    /// <summary>Rows that the ledger refused and that are kept for somebody to look at.</summary>
    public required long Refused { get; init; }

    public required string? Head { get; init; }

    public required ImmutableArray<TableSize> Tables { get; init; }

    public required ImmutableArray<(string Name, long Bytes)> Copies { get; init; }

    /// <summary>The files of rows that moved out of the ledger.</summary>
    public required ImmutableArray<ArchiveSize> Archives { get; init; }

    public long BytesPerRow => Rows == 0 ? 0 : (FileBytes - FreeBytes) / Rows;

    public long RowsPerDay => RowsLately / Days;

    public long BytesPerDay => RowsPerDay * BytesPerRow;

    /// <exception cref="StoreUnavailableException">There is no ledger, or it cannot be read.</exception>
    public static LedgerStatistics Read(string path, TimeProvider time)
    {
        using var connection = LedgerFile.OpenForReading(path);
        try
        {
            SqliteFile.Execute(connection, "BEGIN");
            var now = LedgerTime.Micros(time.GetUtcNow());
            var week = LedgerTime.Micros(time.GetUtcNow() - TimeSpan.FromDays(Days));
            var page = SqliteFile.Scalar(connection, "PRAGMA page_size");
            var directory = Path.GetDirectoryName(path)!;
            var archives = LedgerArchive.All(connection);
            return new LedgerStatistics
            {
                File = path,
                Schema = SqliteFile.Scalar(connection, "PRAGMA user_version"),
                Rows = SqliteFile.Scalar(connection, "SELECT COUNT(*) FROM entry"),
                Adjustments = SqliteFile.Scalar(connection, "SELECT COUNT(*) FROM entry WHERE adjusts IS NOT NULL"),
                Oldest = Earlier(Instant(connection, "SELECT at FROM entry ORDER BY at LIMIT 1"), archives.Min(static archive => (long?)archive.FirstAt)),
                Newest = Instant(connection, "SELECT at FROM entry ORDER BY at DESC LIMIT 1") ?? Earlier(null, archives.Max(static archive => (long?)archive.LastAt)),
                RowsLately = Count(connection, "SELECT COUNT(*) FROM entry WHERE at >= ?1 AND at <= ?2", week, now),
                FileBytes = new FileInfo(path).Length,
                LogBytes = System.IO.File.Exists(path + "-wal") ? new FileInfo(path + "-wal").Length : 0,
                FreeBytes = SqliteFile.Scalar(connection, "PRAGMA freelist_count") * page,
                Budgets = SqliteFile.Scalar(connection, "SELECT COUNT(*) FROM budget"),
                OpenWindows = Count(connection, "SELECT COUNT(*) FROM budget_window WHERE starts_at <= ?2 AND ends_at > ?2", week, now),
                Holds = SqliteFile.Scalar(connection, "SELECT COUNT(*) FROM reservation WHERE state = 'pending'"),
                Held = Money.FromNanos(SqliteFile.Scalar(connection, "SELECT COALESCE(SUM(amount_nanos), 0) FROM reservation WHERE state = 'pending'")),
                Overdue = Count(connection, "SELECT COUNT(*) FROM reservation WHERE state = 'pending' AND deadline <= ?2 AND ?1 <= ?2", week, now),
                Spooled = Lines(directory, "spool.jsonl*"),
                Refused = Lines(directory, "spool-refused.jsonl"),
                Head = LedgerReader.Meta(connection, "head") is { } head && head != "0:" ? head : null,
                Tables = TableSizes(connection),
                Archives = [.. archives.Select(archive => ArchiveSize.Of(archive, LedgerArchive.DirectoryOf(path)))],
                Copies = [.. Directory.EnumerateFiles(directory, Path.GetFileName(path) + ".*.bak").Order(StringComparer.Ordinal).Select(file => (Path.GetFileName(file), new FileInfo(file).Length))],
            };
        }
        catch (SqliteException error)
        {
            throw SqliteFailure.Unavailable(path, error);
        }
    }

    private static DateTimeOffset? Earlier(DateTimeOffset? instant, long? archived) =>
        archived is { } micros && (instant is null || LedgerTime.Instant(micros) < instant) ? LedgerTime.Instant(micros) : instant;

    private static DateTimeOffset? Instant(SqliteConnection connection, string sql)
    {
        using var select = new SqliteStatement(connection, sql);
        return select.Step() ? LedgerTime.Instant(select.Int64(0)) : null;
    }

    private static long Count(SqliteConnection connection, string sql, long first, long second)
    {
        using var count = new SqliteStatement(connection, sql);
        return count.Bind(1, first).Bind(2, second).Step() ? count.Int64(0) : 0;
    }

    private static ImmutableArray<TableSize> TableSizes(SqliteConnection connection)
    {
        var names = new List<string>();
        using (var tables = new SqliteStatement(connection, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"))
        {
            while (tables.Step())
            {
                names.Add(tables.Text(0));
            }
        }

        var bytes = Sizes(connection);
        return [.. names.Select(name => new TableSize(name, SqliteFile.Scalar(connection, $"SELECT COUNT(*) FROM \"{name}\""), bytes.TryGetValue(name, out var size) ? size : null))];
    }

    /// <summary>Tables with their indices; empty when the SQLite library was built without the table that knows.</summary>
    private static Dictionary<string, long> Sizes(SqliteConnection connection)
    {
        var sizes = new Dictionary<string, long>(StringComparer.Ordinal);
        try
        {
            using var select = new SqliteStatement(connection, """
                SELECT sqlite_schema.tbl_name, SUM(dbstat.pgsize)
                  FROM dbstat JOIN sqlite_schema ON sqlite_schema.name = dbstat.name
                 WHERE dbstat.aggregate = TRUE GROUP BY 1
                """);
            while (select.Step())
            {
                sizes[select.Text(0)] = select.Int64(1);
            }
        }
        catch (SqliteException error) when (error.SqliteErrorCode == 1)
        {
        }

        return sizes;
    }

    private static long Lines(string directory, string pattern)
    {
        try
        {
            return Directory.EnumerateFiles(directory, pattern).Sum(file => System.IO.File.ReadLines(file).LongCount());
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Taken over by an application between the listing and the reading.
            return 0;
        }
    }
}
