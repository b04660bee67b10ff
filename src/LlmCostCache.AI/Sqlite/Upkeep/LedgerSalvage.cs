using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace LlmCostCache.AI;

/// <summary>What could be saved from a damaged ledger.</summary>
/// <param name="File">The new ledger.</param>
/// <param name="Rows">How many rows it has; each is as it was written, with its place and its hash.</param>
/// <param name="Lost">The places in the sequence whose rows could not be read.</param>
/// <param name="LostTables">What else could not be read whole: budgets, windows, reservations, settings.</param>
internal sealed record LedgerSalvage(string File, long Rows, ImmutableArray<(long First, long Last)> Lost, ImmutableArray<string> LostTables)
{
    // Where a page is damaged, all rows of the page are; beyond so many unreadable places in a row nothing is expected any more when nobody knows where the ledger ended.
    private const long FarthestStep = 1 << 20;

    private const long LeastBytes = 64;

    private static readonly string[] s_others = ["budget", "budget_window", "reservation", "meta", "rolling_window", "budget_setting", "budget_grant", "budget_change", "archive", "archived_id", "archived_sum"];

    /// <summary>Reads a ledger row by row, around what cannot be read, into a new one. The damaged file is only read.</summary>
    /// <exception cref="StoreUnavailableException">Nothing of it can be read, or the new one cannot be written.</exception>
    public static LedgerSalvage Run(string path, string target, TimeProvider time, CancellationToken cancellationToken)
    {
        target = Path.GetFullPath(target);
        if (System.IO.File.Exists(target))
        {
            throw SqliteFile.Refusal(target, "is there already. Name another file, or move it away.");
        }

        // On a copy of the bytes: SQLite writes into a file that it recovers, and this is the only one there is.
        var copy = LedgerCopy.TakeBytes(path, "salvage", time);
        var draft = target + ".new";
        try
        {
            LedgerFile.Make(draft);
            LedgerSalvage result;
            using (var from = SqliteFile.Open(copy, SqliteOpenMode.ReadWrite))
            using (var to = SqliteFile.Open(draft, SqliteOpenMode.ReadWrite))
            {
                SqliteFile.Execute(to, "PRAGMA foreign_keys = OFF");
                SqliteFile.Execute(to, "BEGIN IMMEDIATE");
                result = Copy(from, to, target, cancellationToken);
                new LedgerVerifier(to) { Repairs = true, ArchiveDirectory = LedgerArchive.DirectoryOf(path) }.Verify(cancellationToken);
                SqliteFile.Execute(to, "COMMIT");
                SqliteFile.Execute(to, "PRAGMA wal_checkpoint(TRUNCATE)");
            }

            System.IO.File.Move(draft, target, overwrite: false);
            return result;
        }
        catch (SqliteException error)
        {
            throw SqliteFailure.Unavailable(path, error);
        }
        finally
        {
            foreach (var end in (string[])["", "-wal", "-shm"])
            {
                System.IO.File.Delete(draft + end);
                System.IO.File.Delete(copy + end);
            }
        }
    }

    private static LedgerSalvage Copy(SqliteConnection from, SqliteConnection to, string target, CancellationToken cancellationToken)
    {
        var lostTables = ImmutableArray.CreateBuilder<string>();
        foreach (var table in s_others)
        {
            if (!CopyTable(from, to, table))
            {
                lostTables.Add(table);
            }
        }

        // The end that was noted says how many rows there have to be; without it, the rows say it themselves.
        var noted = LedgerReader.Meta(to, "head") is { } head && LedgerChain.TryReadHead(head, out var end, out _) ? end : 0;
        var lost = ImmutableArray.CreateBuilder<(long, long)>();
        var (rows, last) = (0L, new LedgerArchives(to).Through);
        var columns = Columns(from);

        // Two rows of one id are a damage too, and neither takes the place of the other in silence.
        using var insert = new SqliteStatement(to, Insert("entry", columns, orReplace: false));
        using var alone = new SqliteStatement(from, $"SELECT {string.Join(", ", columns)} FROM entry WHERE seq = ?1");

        // A row has more bytes than these; an end that is further away was damaged itself.
        var farthest = Math.Min(noted, SqliteFile.Scalar(from, "PRAGMA page_count") * SqliteFile.Scalar(from, "PRAGMA page_size") / LeastBytes);
        for (var next = last + 1; ;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                using var select = new SqliteStatement(from, $"SELECT {string.Join(", ", columns)} FROM entry WHERE seq >= ?1 ORDER BY seq");
                select.Bind(1, next);
                while (select.Step())
                {
                    var sequence = select.Int64(0);
                    CopyRow(select, insert, columns.Count);
                    Miss(lost, last + 1, sequence - 1);
                    (rows, last, next) = (rows + 1, sequence, sequence + 1);
                }

                Miss(lost, last + 1, noted);
                return new LedgerSalvage(target, rows, lost.ToImmutable(), lostTables.ToImmutable());
            }
            catch (SqliteException error) when (error.SqliteErrorCode is 11 or 19 or 26 or 10)
            {
                // Go on with the next row that can be read alone and written: the way to it may be what is damaged.
                var found = NextReadable(alone, insert, columns.Count, (Math.Max(next, last + 1), Math.Max(farthest, last + FarthestStep)), cancellationToken);
                if (found < 0)
                {
                    Miss(lost, last + 1, noted);
                    return new LedgerSalvage(target, rows, lost.ToImmutable(), lostTables.ToImmutable());
                }

                Miss(lost, last + 1, found - 1);
                (rows, last, next) = (rows + 1, found, found + 1);
            }
        }
    }

    /// <summary>Copies the next row that can be.</summary>
    /// <returns>Its place; -1 when there is none.</returns>
    private static long NextReadable(SqliteStatement row, SqliteStatement insert, int columns, (long First, long Last) places, CancellationToken cancellationToken)
    {
        for (var sequence = places.First; sequence <= places.Last; sequence++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                if (row.Bind(1, sequence).Step())
                {
                    CopyRow(row, insert, columns);
                    return sequence;
                }
            }
            catch (SqliteException error) when (error.SqliteErrorCode is 11 or 19 or 26 or 10)
            {
            }
            finally
            {
                row.Reset();
            }
        }

        return -1;
    }

    private static void Miss(ImmutableArray<(long, long)>.Builder lost, long first, long last)
    {
        if (first <= last)
        {
            lost.Add((first, last));
        }
    }

    private static List<string> Columns(SqliteConnection from, string table = "entry")
    {
        var columns = new List<string>();
        using var info = new SqliteStatement(from, "SELECT name FROM pragma_table_info(?1) ORDER BY cid");
        info.Bind(1, table);
        while (info.Step())
        {
            columns.Add(info.Text(0));
        }

        return columns;
    }

    private static bool CopyTable(SqliteConnection from, SqliteConnection to, string table)
    {
        try
        {
            // One of an older schema lacks those of a later one.
            var columns = Columns(from, table);
            if (columns.Count == 0)
            {
                return true;
            }

            var source = $"SELECT {string.Join(", ", columns)} FROM {table}";
            if (table == "reservation" && !columns.Contains("holds"))
            {
                // Until schema 5 a table of its own said what is held, and one that was posted kept its row.
                source = $"SELECT {string.Join(", ", columns)}, (SELECT json_group_array(json_array(budget_id, window_key, starts_at, amount_nanos)) FROM hold WHERE reservation_id = reservation.id) FROM reservation WHERE state <> 'posted'";
                columns.Add("holds");
            }

            using var select = new SqliteStatement(from, source);
            using var insert = new SqliteStatement(to, Insert(table, columns));
            while (select.Step())
            {
                CopyRow(select, insert, columns.Count);
            }

            return true;
        }
        catch (SqliteException)
        {
            return false;
        }
    }

    private static string Insert(string table, List<string> columns, bool orReplace = true) =>
        $"INSERT {(orReplace ? "OR REPLACE " : "")}INTO {table} ({string.Join(", ", columns)}) VALUES ({string.Join(", ", Enumerable.Range(1, columns.Count).Select(i => "?" + i.ToString(CultureInfo.InvariantCulture)))})";

    private static void CopyRow(SqliteStatement from, SqliteStatement to, int columns)
    {
        for (var i = 0; i < columns; i++)
        {
            switch (from.TypeOf(i))
            {
                case raw.SQLITE_NULL:
                    to.Bind(i + 1, (string?)null);
                    break;
                case raw.SQLITE_INTEGER:
                    to.Bind(i + 1, from.Int64(i));
                    break;
                case raw.SQLITE_BLOB:
                    to.Bind(i + 1, from.Bytes(i));
                    break;
                default:
                    to.Bind(i + 1, from.Text(i));
                    break;
            }
        }

        to.Run();
    }
}
