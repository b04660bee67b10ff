using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>Which rows may move out of a ledger: from its beginning, month by month in UTC, and no further than everything that a call of them is waiting for.</summary>
/// <param name="Parts">The files to make, oldest first.</param>
/// <param name="Unfinished">Files that are made already, with rows that an interrupted run left in the ledger as well.</param>
/// <param name="HeldBack">Why rows stay that are older than was asked for, in a sentence; null when none do.</param>
internal sealed record LedgerArchivePlan(ImmutableArray<ArchivePart> Parts, ImmutableArray<LedgerArchive> Unfinished, string? HeldBack)
{
    public bool IsEmpty => Parts.IsEmpty && Unfinished.IsEmpty;

    /// <param name="ledger">The ledger; one state of it is looked at.</param>
    /// <param name="before">The first instant whose calls stay; the beginning of a month in UTC.</param>
    /// <param name="now">The clock. Rows dated behind it do not count as later ones: they would hold everything back.</param>
    public static LedgerArchivePlan Of(SqliteConnection ledger, DateTimeOffset before, DateTimeOffset now)
    {
        var archives = LedgerArchive.All(ledger);
        var end = archives.Count == 0 ? 0 : archives[^1].LastSequence;
        var last = SqliteFile.Scalar(ledger, "SELECT COALESCE(MAX(seq), 0) FROM entry");
        ImmutableArray<LedgerArchive> unfinished = [.. archives.Where(static archive => !archive.IsFinished)];
        var limit = before;
        string? heldBack = null;
        if (OldestHold(ledger) is { } hold && MonthOf(hold) < before)
        {
            limit = MonthOf(hold);
            heldBack = string.Create(CultureInfo.InvariantCulture, $"A reservation of {hold:u} is still open: calls from its month on stay until it is settled or has expired.");
        }

        if (last <= end || OldestCall(ledger, end) is not { } oldest)
        {
            return new([], unfinished, heldBack);
        }

        var parts = ImmutableArray.CreateBuilder<ArchivePart>();
        var first = end + 1;
        var names = archives.Select(static archive => archive.File).ToHashSet(StringComparer.Ordinal);
        foreach (var (until, cut) in Cuts(ledger, MonthOf(oldest), limit, now, last))
        {
            var whole = WithoutSplitting(ledger, end, cut);
            if (cut > whole && until == limit)
            {
                heldBack ??= string.Create(CultureInfo.InvariantCulture, $"Row {whole + 1} is corrected by a row that stays: it and the rows behind it stay with it.");
            }

            if (whole >= first)
            {
                parts.Add(new(NameOf(until.AddMonths(-1), names), first, whole));
                first = whole + 1;
            }
        }

        return new(parts.ToImmutable(), unfinished, heldBack ?? OlderBehindLater(ledger, first - 1, limit, now));
    }

    /// <summary>The beginning of the month, in UTC.</summary>
    public static DateTimeOffset MonthOf(DateTimeOffset instant) => new(instant.UtcDateTime.Year, instant.UtcDateTime.Month, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>For each month its end, and the last row before the first call that is later: rows stay in their order.</summary>
    private static List<(DateTimeOffset Until, long Cut)> Cuts(SqliteConnection ledger, DateTimeOffset oldest, DateTimeOffset limit, DateTimeOffset now, long last)
    {
        using var earliest = new SqliteStatement(ledger, "SELECT MIN(seq) FROM entry INDEXED BY entry_at WHERE at >= ?1 AND at < ?2");
        var cuts = new List<(DateTimeOffset, long)>();
        var (later, end) = (last + 1, now.AddTicks(TimeSpan.TicksPerMicrosecond));
        for (var until = limit; until > oldest; until = until.AddMonths(-1))
        {
            earliest.Bind(1, LedgerTime.Micros(until)).Bind(2, LedgerTime.Micros(end));
            if (until < end && earliest.Step() && !earliest.IsNull(0))
            {
                later = Math.Min(later, earliest.Int64(0));
            }

            earliest.Reset();
            cuts.Add((until, later - 1));
            end = until;
        }

        cuts.Reverse();
        return cuts;
    }

    /// <summary>Calls that are old enough and stay, because they were written behind later ones: an import, a merge, a spool that waited. Rows move in the order in which they were written.</summary>
    private static string? OlderBehindLater(SqliteConnection ledger, long moved, DateTimeOffset limit, DateTimeOffset now)
    {
        using var older = new SqliteStatement(ledger, "SELECT COUNT(*), MAX(seq) FROM entry INDEXED BY entry_at WHERE at < ?1 AND seq > ?2");
        if (!older.Bind(1, LedgerTime.Micros(limit)).Bind(2, moved).Step() || older.Int64(0) == 0)
        {
            return null;
        }

        using var latest = new SqliteStatement(ledger, "SELECT at FROM entry INDEXED BY entry_at WHERE at <= ?1 AND seq > ?2 AND seq < ?3 ORDER BY at DESC LIMIT 1");
        if (!latest.Bind(1, LedgerTime.Micros(now)).Bind(2, moved).Bind(3, older.Int64(1)).Step() || LedgerTime.Instant(latest.Int64(0)) is var at && at < limit)
        {
            return null;
        }

        var month = MonthOf(at);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{older.Int64(0):N0} {(older.Int64(0) == 1 ? "row" : "rows")} from before {limit:yyyy-MM} {(older.Int64(0) == 1 ? "stays" : "stay")}, written behind rows of {month:yyyy-MM} (an import or a merge brings such). "
            + $"Rows move in the order in which they were written, so these move when {month:yyyy-MM} does: with --before {month.AddMonths(1):yyyy-MM}, once that month is over.");
    }

    /// <summary>A call and what corrects it stay together.</summary>
    private static long WithoutSplitting(SqliteConnection ledger, long end, long cut)
    {
        using var split = new SqliteStatement(ledger, "SELECT MIN(adjusts) FROM entry WHERE adjusts > ?1 AND adjusts <= ?2 AND seq > ?2");
        while (cut > end && split.Bind(1, end).Bind(2, cut).Step() && !split.IsNull(0))
        {
            cut = split.Int64(0) - 1;
            split.Reset();
        }

        return cut;
    }

    private static string NameOf(DateTimeOffset month, HashSet<string> taken)
    {
        var name = month.ToString("yyyy-MM", CultureInfo.InvariantCulture);
        var file = $"ledger-{name}.db";
        for (var number = 2; !taken.Add(file); number++)
        {
            file = string.Create(CultureInfo.InvariantCulture, $"ledger-{name}-{number}.db");
        }

        return file;
    }

    private static DateTimeOffset? OldestHold(SqliteConnection ledger)
    {
        using var select = new SqliteStatement(ledger, "SELECT MIN(created_at) FROM reservation WHERE state = 'pending'");
        return select.Step() && !select.IsNull(0) ? LedgerTime.Instant(select.Int64(0)) : null;
    }

    private static DateTimeOffset? OldestCall(SqliteConnection ledger, long after)
    {
        // Rows of a file that is not finished are in it already.
        using var select = new SqliteStatement(ledger, "SELECT MIN(at) FROM entry WHERE seq > ?1");
        using var first = new SqliteStatement(ledger, "SELECT at FROM entry ORDER BY at LIMIT 1");
        if (after == 0)
        {
            return first.Step() ? LedgerTime.Instant(first.Int64(0)) : null;
        }

        return select.Bind(1, after).Step() && !select.IsNull(0) ? LedgerTime.Instant(select.Int64(0)) : null;
    }
}
