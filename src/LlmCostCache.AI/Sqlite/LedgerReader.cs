using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>Reads the ledger on connections of its own, never longer than one page, so that the write-ahead log can be emptied meanwhile.</summary>
internal sealed class LedgerReader(string path, TimeProvider time, LedgerCalendar calendar) : IDisposable
{
    private const int PageSize = 1_000;
    private const int MaxIdle = 4;

    private readonly ConcurrentBag<SqliteConnection> _idle = [];
    private volatile bool _disposed;

    public LedgerCalendar Calendar { get; set; } = calendar;

    /// <summary>Hears how many rows were read, page by page; sums that the roll-up answers read none.</summary>
    public Action<int>? RowsRead { get; set; }

    public string ReportCurrency => With(connection => Meta(connection, "currency")) ?? "USD";

    /// <summary>Opens for reports: zone and week start come from the file.</summary>
    public static LedgerReader Open(string path, TimeProvider time)
    {
        var reader = new LedgerReader(path, time, LedgerCalendar.Utc);
        reader.Calendar = reader.With(connection =>
        {
            var zone = Meta(connection, "zone") ?? "UTC";
            var weekStart = Enum.TryParse<DayOfWeek>(Meta(connection, "week_start"), out var day) ? day : DayOfWeek.Monday;
            return TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var found)
                ? new LedgerCalendar(found, weekStart, int.TryParse(Meta(connection, "fiscal_year_start"), out var month) ? month : 1)
                : throw SqliteFile.Refusal(path, $"counts days in the zone '{zone}', which this machine does not know. Install its time zone data.");
        });
        return reader;
    }

    /// <summary>The budgets, by id, that this process gives in code: they hold here although somebody took them off the list.</summary>
    public IReadOnlySet<string>? Given { get; set; }

    public IReadOnlyList<WindowBalance> Balances() =>
        With<IReadOnlyList<WindowBalance>>(connection => Snapshot(connection, () => LedgerBalances.Read(connection, Calendar, time.GetUtcNow(), Given)));

    /// <summary>Reads in one snapshot.</summary>
    public T AtOnce<T>(Func<SqliteConnection, T> read) => With(connection => Snapshot(connection, () => read(connection)));

    /// <summary>What was set at run time; null when that is what the caller knows.</summary>
    public BudgetSettings? SettingsAfter(long revision) => With(connection => LedgerBalances.SettingsAfter(connection, revision, time.GetUtcNow()));

    public SpendHistory History(BudgetWindow window, DateTimeOffset now) => With(connection => Snapshot(connection, () =>
    {
        var statements = new List<SqliteStatement>();
        try
        {
            var seed = new WindowSeed(sql =>
            {
                var statement = new SqliteStatement(connection, sql);
                statements.Add(statement);
                return statement;
            });
            var current = SpendHistory.QuarterOf(now);
            var until = now.AddMicroseconds(1);
            var lastHour = seed.Sum(window with { StartsAt = until.AddHours(-1), EndsAt = until });
            var quarters = seed.Sums(window with { StartsAt = current - SpendHistory.Length, EndsAt = current + SpendHistory.Quarter }, SpendHistory.Quarter);
            return new SpendHistory(lastHour, [.. quarters.Select(quarter => (LedgerTime.Instant(quarter.StartsAt), quarter.Count))]);
        }
        finally
        {
            statements.ForEach(static statement => statement.Dispose());
        }
    }));

    public IReadOnlyList<BudgetStanding> Standings() =>
        With<IReadOnlyList<BudgetStanding>>(connection => Snapshot(connection, () => LedgerBalances.Standings(connection, Calendar, time.GetUtcNow())));

    public IReadOnlyList<BudgetChange> Changes() => With(LedgerBalances.Changes);

    /// <summary>The next calls that match, each with its adjustments folded in.</summary>
    public LedgerPage Page(LedgerFilter filter, LedgerPage? before)
    {
        var page = With(connection => Snapshot(connection, () => Page(connection, filter, before)));
        RowsRead?.Invoke(page.Read);
        return page;
    }

    public IReadOnlyList<LedgerTotal> Totals(LedgerDimension? by, LedgerDimension? thenBy, LedgerFilter filter, CancellationToken cancellationToken) =>
        With(connection => Snapshot(connection, () => new LedgerTotals(connection, Calendar, by, thenBy) { RowsRead = RowsRead }.Sum(filter, cancellationToken)));

    public IReadOnlyList<LedgerConversion> Conversions(LedgerFilter filter) => With(connection => LedgerConversions.Read(connection, filter));

    /// <param name="earlierHead">Where the chain ended at another time; null when nobody noted it.</param>
    /// <param name="cancellationToken">Ends the check.</param>
    public LedgerVerification Verify(string? earlierHead, CancellationToken cancellationToken)
    {
        // Before SQLite opens the file: it forgets what it cannot read of the log.
        var damage = WriteAheadLog.Damage(path);
        return With(connection => Snapshot(connection, () => new LedgerVerifier(connection) { EarlierHead = earlierHead, Damage = damage }.Verify(cancellationToken)));
    }

    public void Dispose()
    {
        _disposed = true;
        while (_idle.TryTake(out var connection))
        {
            connection.Dispose();
        }
    }

    internal static LedgerPage Page(SqliteConnection connection, LedgerFilter filter, LedgerPage? before)
    {
        var archives = new LedgerArchives(connection);
        var (after, last) = before is null ? Range(connection, archives, filter) : (before.After, before.LastSequence);
        if (archives.After(after, Since(filter), Until(filter)) is { } archive && after < last)
        {
            using var file = archives.Open(archive);
            var upTo = Math.Min(archive.MovedThrough, last);
            var page = PageOf(file, LedgerArchiveFile.ColumnsOf(file), filter, after, upTo, calls =>
            {
                Fold(file, calls, LedgerArchiveFile.ColumnsOf(file), archive.MovedThrough);
                foreach (var later in archives.AdjustingBefore(archive))
                {
                    using var laterFile = archives.Open(later);
                    Fold(laterFile, calls, LedgerArchiveFile.ColumnsOf(laterFile), later.MovedThrough);
                }

                Fold(connection, calls, LedgerBook.Columns);
            });
            return page with { LastSequence = last, IsLast = page.IsLast && upTo >= last, After = page.IsLast ? upTo : page.After };
        }

        return PageOf(connection, LedgerBook.Columns, filter, after, last, calls => Fold(connection, calls, LedgerBook.Columns));
    }

    private static LedgerPage PageOf(SqliteConnection connection, string columns, LedgerFilter filter, long after, long last, Action<List<LedgerEntry>> fold)
    {
        var calls = new List<LedgerEntry>();
        using var select = new SqliteStatement(connection, $"""
            SELECT {columns}
              FROM entry
             WHERE kind = 'call' AND seq > ?1 AND seq <= ?2 AND at >= ?3 AND at < ?4
               AND (?5 IS NULL OR tenant = ?5) AND (?6 IS NULL OR project = ?6) AND (?7 IS NULL OR team = ?7) AND (?8 IS NULL OR user = ?8)
               AND (?9 IS NULL OR feature = ?9) AND (?10 IS NULL OR session = ?10) AND (?11 IS NULL OR agent = ?11)
             ORDER BY seq LIMIT {PageSize}
            """);
        select.Bind(1, after).Bind(2, last).Bind(3, Since(filter)).Bind(4, Until(filter))
            .Bind(5, filter.Tenant).Bind(6, filter.Project).Bind(7, filter.Team).Bind(8, filter.User)
            .Bind(9, filter.Feature).Bind(10, filter.Session).Bind(11, filter.Agent);
        while (select.Step())
        {
            calls.Add(LedgerEntry.Read(select));
        }

        if (calls.Count == 0)
        {
            return new LedgerPage([], last, last, IsLast: true);
        }

        fold(calls);

        // An adjustment may have changed these, so they are compared after folding.
        var matching = calls.Where(call => (filter.Provider is null || call.Provider == filter.Provider) && (filter.Model is null || call.Model == filter.Model)
            && (filter.Status is null || call.Status == filter.Status) && (filter.Tag is null || call.Attribution.Tags.Contains(filter.Tag)));
        return new LedgerPage([.. matching], calls[^1].Sequence, last, calls.Count < PageSize) { Read = calls.Count };
    }

    internal static IEnumerable<Budget> Budgets(SqliteConnection connection)
    {
        using var budgets = new SqliteStatement(connection, $"SELECT {BudgetText.Columns}, thresholds FROM budget ORDER BY id");
        while (budgets.Step())
        {
            yield return BudgetText.WithThresholds(BudgetText.Read(budgets, 0), budgets.NullableText(8));
        }
    }

    internal static string? Meta(SqliteConnection connection, string key)
    {
        using var meta = new SqliteStatement(connection, "SELECT value FROM meta WHERE key = ?1");
        return meta.Bind(1, key).Step() ? meta.Text(0) : null;
    }

    internal static long Since(LedgerFilter filter) => filter.Since is { } since ? LedgerTime.Ceiling(since) : long.MinValue;

    internal static long Until(LedgerFilter filter) => filter.Until is { } until ? LedgerTime.Ceiling(until) : long.MaxValue;

    /// <summary>Where to begin and where to end: rows written after the reading began are left to the next one.</summary>
    private static (long After, long Last) Range(SqliteConnection connection, LedgerArchives archives, LedgerFilter filter)
    {
        var (after, last) = RangeOf(connection, filter);
        foreach (var archive in archives.Between(Since(filter), Until(filter)))
        {
            after = last == 0 ? archive.FirstSequence - 1 : Math.Min(after, archive.FirstSequence - 1);
            last = Math.Max(last, archive.MovedThrough);
        }

        return (after, last);
    }

    private static (long After, long Last) RangeOf(SqliteConnection connection, LedgerFilter filter)
    {
        var bounded = filter.Since is not null || filter.Until is not null;
        using var range = new SqliteStatement(connection, bounded
            ? "SELECT MIN(seq), MAX(seq) FROM entry INDEXED BY entry_at WHERE at >= ?1 AND at < ?2"
            : "SELECT 1, MAX(seq) FROM entry");
        if (bounded)
        {
            range.Bind(1, Since(filter)).Bind(2, Until(filter));
        }

        return range.Step() && !range.IsNull(1) ? (range.Int64(0) - 1, range.Int64(1)) : (0, 0);
    }

    private static void Fold(SqliteConnection connection, List<LedgerEntry> calls, string columns, long last = long.MaxValue)
    {
        using var adjustments = new SqliteStatement(connection, $"SELECT {columns} FROM entry WHERE adjusts BETWEEN ?1 AND ?2 AND seq <= ?3 ORDER BY seq");
        adjustments.Bind(1, calls[0].Sequence).Bind(2, calls[^1].Sequence).Bind(3, last);
        var found = new List<LedgerEntry>();
        while (adjustments.Step())
        {
            found.Add(LedgerEntry.Read(adjustments));
        }

        if (found.Count == 0)
        {
            return;
        }

        var positions = calls.Select((call, index) => (call.Sequence, index)).ToDictionary(pair => pair.Sequence, pair => pair.index);
        foreach (var adjustment in found)
        {
            if (positions.TryGetValue(adjustment.Adjusts!.Value, out var position))
            {
                calls[position] = calls[position].Plus(adjustment);
            }
        }
    }

    private static T Snapshot<T>(SqliteConnection connection, Func<T> read)
    {
        SqliteFile.Execute(connection, "BEGIN");
        try
        {
            return read();
        }
        finally
        {
            SqliteFile.Execute(connection, "ROLLBACK");
        }
    }

    private T With<T>(Func<SqliteConnection, T> read)
    {
        ObjectDisposedException.ThrowIf(_disposed, typeof(LlmCosts));
        if (_idle.TryTake(out var connection) && SqliteFile.HasMoved(connection))
        {
            connection.Dispose();
            connection = null;
        }

        connection ??= LedgerFile.OpenForReading(path);

        var sound = false;
        try
        {
            var result = read(connection);
            sound = true;
            return result;
        }
        catch (SqliteException error)
        {
            throw error.SqliteErrorCode == 1 && error.Message.Contains("integer overflow", StringComparison.Ordinal)
                ? new OverflowException("A sum over the ledger does not fit into 64 bits. Read a shorter span.", error)
                : SqliteFailure.Unavailable(path, error);
        }
        finally
        {
            if (sound && !_disposed && _idle.Count < MaxIdle)
            {
                _idle.Add(connection);
            }
            else
            {
                connection.Dispose();
            }
        }
    }
}
