using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>
/// Holds the counters against the rows when a ledger is opened, inside the writer's transaction: the chain, and the sums of the quarter-hours, of the rows written since the last check,
/// and the windows of budgets that are open now. A counter that is wrong is made right before anything relies on it.
/// </summary>
/// <remarks>
/// Bounded: so many rows at a start, the rest at the next; windows of a budget by model, tag or session only when that many rows at most lie in them.
/// <c>llmcost ledger verify</c> checks everything.
/// </remarks>
internal sealed partial class CounterCheck(SqliteConnection connection, TimeProvider time, ILogger logger)
{
    public const int MaxRows = 5_000;

    /// <summary>The note of how far the chain was followed.</summary>
    public const string Checked = "checked";

    /// <returns>How many counters were wrong.</returns>
    public int Run()
    {
        var repaired = 0;
        var files = new Dictionary<long, SqliteConnection?>();
        try
        {
            var archives = new LedgerArchives(connection);
            foreach (var slot in CheckChain())
            {
                // Where rows have moved to a file, those that are here are not all.
                repaired += archives.Between(LedgerTime.SlotStart(slot), LedgerTime.SlotStart(slot + 1)).Any(archive => HasRows(archives, archive, slot, files)) ? 0 : CheckSlot(slot);
            }
        }
        finally
        {
            foreach (var file in files.Values)
            {
                file?.Dispose();
            }
        }

        return repaired + CheckWindows();
    }

    /// <summary>Whether a file has calls of a quarter-hour. Its span alone does not say: one row that is dated years ahead would let no quarter-hour be checked any more.</summary>
    private static bool HasRows(LedgerArchives archives, LedgerArchive archive, long slot, Dictionary<long, SqliteConnection?> files)
    {
        try
        {
            if (!files.TryGetValue(archive.Number, out var file))
            {
                files.Add(archive.Number, null);
                files[archive.Number] = file = archives.Open(archive);
            }

            if (file is null)
            {
                return true;
            }

            using var rows = new SqliteStatement(file, "SELECT 1 FROM entry INDEXED BY entry_at WHERE at >= ?1 AND at < ?2 AND seq <= ?3 LIMIT 1");
            return rows.Bind(1, LedgerTime.SlotStart(slot)).Bind(2, LedgerTime.SlotStart(slot + 1)).Bind(3, archive.MovedThrough).Step();
        }
        catch (Exception error) when (error is StoreUnavailableException or SqliteException)
        {
            // 'llmcost ledger verify' says what is wrong with it; an application starts all the same.
            return true;
        }
    }

    /// <returns>The quarter-hours of the rows that were not checked yet.</returns>
    private HashSet<long> CheckChain()
    {
        var slots = new HashSet<long>();
        var chain = new LedgerChain(connection, finding => LogRowWrong(logger, finding.Message));
        if (LedgerReader.Meta(connection, Checked) is { } before && LedgerChain.TryReadHead(before, out var sequence, out var hash))
        {
            chain.StartAfter(sequence, sequence == 0 ? new byte[32] : hash);
        }

        using var rows = new SqliteStatement(connection, $"SELECT {LedgerBook.Columns} FROM entry WHERE seq > ?1 ORDER BY seq LIMIT {MaxRows}");
        rows.Bind(1, chain.LastSequence);
        var after = chain.LastSequence;
        while (rows.Step())
        {
            chain.Check(rows);
            slots.Add(LedgerTime.Slot(rows.Int64(6)));
        }

        if (chain.LastSequence > after)
        {
            using var note = new SqliteStatement(connection, "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
            note.Bind(1, Checked).Bind(2, chain.Head).Run();
        }

        return slots;
    }

    /// <summary>Calls and their adjustments carry the same instant, so a quarter-hour is the sum of the rows in it.</summary>
    private int CheckSlot(long slot)
    {
        var sums = new Dictionary<LedgerDimensions, LedgerSums>();
        var calls = new Dictionary<long, LedgerEntry>();
        using (var rows = new SqliteStatement(connection, $"SELECT {LedgerBook.Columns} FROM entry WHERE at >= ?1 AND at < ?2 ORDER BY seq LIMIT {(4 * MaxRows) + 1}"))
        {
            rows.Bind(1, LedgerTime.SlotStart(slot)).Bind(2, LedgerTime.SlotStart(slot + 1));
            var read = 0;
            while (rows.Step())
            {
                if (++read > 4 * MaxRows)
                {
                    // Too busy a quarter-hour for a start.
                    rows.Reset();
                    return 0;
                }

                LedgerEntry entry;
                try
                {
                    entry = LedgerEntry.Read(rows);
                }
                catch (Exception error) when (LedgerEntry.IsUnreadable(error))
                {
                    // The chain has said so. What the row said is evidence, and no sum is made without it.
                    rows.Reset();
                    return 0;
                }

                if (!entry.IsAdjustment)
                {
                    calls[entry.Sequence] = entry;
                }
                else if (calls.TryGetValue(entry.Adjusts!.Value, out var call))
                {
                    calls[call.Sequence] = call.Plus(entry);
                    SumsOf(LedgerDimensions.Of(call));
                    SumsOf(LedgerDimensions.Of(call).Whole);
                }
            }
        }

        foreach (var call in calls.Values)
        {
            SumsOf(LedgerDimensions.Of(call)).Add(call, 1);
            SumsOf(LedgerDimensions.Of(call).Whole).Add(call, 1);
        }

        var hasher = new RowHasher();
        var wrong = 0;
        using var rollup = new LedgerRollup(connection);
        using var kept = new SqliteStatement(connection, $"SELECT {LedgerRollup.SumColumns} FROM rollup_slot WHERE dimension = (SELECT id FROM dimension WHERE digest = ?1) AND slot = ?2");
        using var delete = new SqliteStatement(connection, "DELETE FROM rollup_slot WHERE dimension = (SELECT id FROM dimension WHERE digest = ?1) AND slot = ?2");
        foreach (var (names, sum) in sums)
        {
            var digest = names.Digest(hasher);
            if (!Kept(kept, digest, slot).AsSpan().SequenceEqual(sum.Values))
            {
                wrong++;
                delete.Bind(1, digest.AsSpan()).Bind(2, slot).Run();
                rollup.Add(names, slot, sum.Values);
                rollup.Flush();
                LogSumWrong(logger, LedgerTime.Instant(LedgerTime.SlotStart(slot)));
            }
        }

        return wrong;

        LedgerSums SumsOf(LedgerDimensions names)
        {
            if (!sums.TryGetValue(names, out var sum))
            {
                sums.Add(names, sum = new LedgerSums());
            }

            return sum;
        }
    }

    private static long[] Kept(SqliteStatement kept, byte[] digest, long slot)
    {
        var sums = new long[LedgerSums.Count];
        if (kept.Bind(1, digest.AsSpan()).Bind(2, slot).Step())
        {
            for (var i = 0; i < sums.Length; i++)
            {
                sums[i] = kept.Int64(i);
            }

            kept.Reset();
        }

        return sums;
    }

    private int CheckWindows()
    {
        var budgets = LedgerReader.Budgets(connection).ToDictionary(budget => budget.Id, StringComparer.Ordinal);
        var now = LedgerTime.Micros(time.GetUtcNow());
        var open = new List<(Budget Budget, string Key, long StartsAt, long EndsAt, long Posted, long Pending, long Held)>();
        using (var windows = new SqliteStatement(connection, $"""
            {WindowCheck.WithHeld}
            SELECT budget_id, window_key, starts_at, ends_at, posted_nanos, pending_nanos, COALESCE(held.amount, 0)
              FROM budget CROSS JOIN budget_window ON budget_window.budget_id = budget.id AND starts_at <= ?1 AND ends_at > ?1
                   LEFT JOIN held USING (budget_id, window_key, starts_at)
            """))
        {
            windows.Bind(1, now);
            while (windows.Step() && open.Count < MaxRows)
            {
                // Slices of a rolling budget are as narrow as its span asks for; a full check adds them up.
                if (budgets.TryGetValue(windows.Text(0), out var budget) && budget.Span is null)
                {
                    open.Add((budget, windows.Text(1), windows.Int64(2), windows.Int64(3), windows.Int64(4), windows.Int64(5), windows.Int64(6)));
                }
            }

            windows.Reset();
        }

        var statements = new List<SqliteStatement>();
        var seed = new WindowSeed(sql =>
        {
            statements.Add(new SqliteStatement(connection, sql));
            return statements[^1];
        });
        using var right = new SqliteStatement(connection, "UPDATE budget_window SET posted_nanos = ?4, pending_nanos = ?5 WHERE budget_id = ?1 AND window_key = ?2 AND starts_at = ?3");
        var wrong = 0;
        foreach (var window in open)
        {
            var whole = new BudgetWindow(window.Budget, window.Key, LedgerBalances.Bound(window.StartsAt), LedgerBalances.Bound(window.EndsAt));
            if (NeedsRows(window.Budget.Scope) && !HasFewRows(window.StartsAt, window.EndsAt))
            {
                continue;
            }

            long posted;
            try
            {
                if (seed.NeedsFiles(whole))
                {
                    continue;
                }

                posted = seed.Sum(whole);
            }
            catch (Exception error) when (LedgerEntry.IsUnreadable(error))
            {
                // A row was changed, which the chain has said: what is counted already is nearer to the truth than a sum without it.
                statements.ForEach(static statement => statement.Reset());
                continue;
            }

            if (posted != window.Posted || window.Held != window.Pending)
            {
                wrong++;
                right.Bind(1, window.Budget.Id).Bind(2, window.Key).Bind(3, window.StartsAt).Bind(4, posted).Bind(5, window.Held).Run();
                var unit = window.Budget.Unit;
                LogWindowWrong(logger, window.Budget.Id, BudgetAmount.Of(unit, window.Posted), BudgetAmount.Of(unit, window.Pending), BudgetAmount.Of(unit, posted), BudgetAmount.Of(unit, window.Held));
            }
        }

        statements.ForEach(statement => statement.Dispose());
        return wrong;
    }

    private static bool NeedsRows(BudgetScope scope) => scope.Session is not null || scope.Model is not null || scope.Tag is not null;

    private bool HasFewRows(long startsAt, long endsAt)
    {
        using var count = new SqliteStatement(connection, string.Create(CultureInfo.InvariantCulture, $"""
            SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM entry WHERE at >= ?1 AND at < ?2 LIMIT {MaxRows + 1}))
                 + (SELECT COUNT(*) FROM (SELECT 1 FROM archived_sum WHERE last_at >= ?1 AND first_at < ?2 LIMIT {MaxRows + 1}))
            """));
        return count.Bind(1, startsAt).Bind(2, endsAt).Step() && count.Int64(0) <= MaxRows;
    }

    [LoggerMessage(EventId = 304, Level = LogLevel.Error, Message = "{Problem} 'llmcost ledger verify' checks the whole ledger.")]
    private static partial void LogRowWrong(ILogger logger, string problem);

    [LoggerMessage(EventId = 305, Level = LogLevel.Warning, Message = "The sums of the quarter-hour from {At:u} were not those of its rows; they were computed anew.")]
    private static partial void LogSumWrong(ILogger logger, DateTimeOffset at);

    [LoggerMessage(EventId = 306, Level = LogLevel.Warning, Message = "A window of budget '{Budget}' said {Posted} posted and {Pending} pending; its rows and holds add up to {RightPosted} and {RightPending}, which is what counts now.")]
    private static partial void LogWindowWrong(ILogger logger, string budget, BudgetAmount posted, BudgetAmount pending, BudgetAmount rightPosted, BudgetAmount rightPending);
}
