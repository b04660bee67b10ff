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

    private const string Checked = "checked";

    /// <returns>How many counters were wrong.</returns>
    public int Run()
    {
        var repaired = 0;
        foreach (var slot in CheckChain())
        {
            repaired += CheckSlot(slot);
        }

        return repaired + CheckWindows();
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

                var entry = LedgerEntry.Read(rows);
                if (!entry.IsAdjustment)
                {
                    calls[entry.Sequence] = entry;
                }
                else if (calls.TryGetValue(entry.Adjusts!.Value, out var call))
                {
                    calls[call.Sequence] = call.Plus(entry);
                    SumsOf(LedgerDimensions.Of(call));
                }
            }
        }

        foreach (var call in calls.Values)
        {
            SumsOf(LedgerDimensions.Of(call)).Add(call, 1);
        }

        var hasher = new RowHasher();
        var wrong = 0;
        using var rollup = new LedgerRollup(connection);
        using var kept = new SqliteStatement(connection, $"SELECT {LedgerRollup.SumColumns} FROM rollup WHERE dimension = (SELECT id FROM dimension WHERE digest = ?1) AND slot = ?2");
        using var delete = new SqliteStatement(connection, "DELETE FROM rollup WHERE dimension = (SELECT id FROM dimension WHERE digest = ?1) AND slot = ?2");
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
        using (var windows = new SqliteStatement(connection, """
            SELECT budget_id, window_key, starts_at, ends_at, posted_nanos, pending_nanos,
                   (SELECT COALESCE(SUM(hold.amount_nanos), 0)
                      FROM hold JOIN reservation ON reservation.id = hold.reservation_id
                     WHERE reservation.state = 'pending' AND hold.budget_id = budget_window.budget_id
                       AND hold.window_key = budget_window.window_key AND hold.starts_at = budget_window.starts_at)
              FROM budget_window WHERE starts_at <= ?1 AND ends_at > ?1
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
            if (NeedsRows(window.Budget.Scope) && !HasFewRows(window.StartsAt, window.EndsAt))
            {
                continue;
            }

            var posted = seed.Sum(new BudgetWindow(window.Budget, window.Key, LedgerBalances.Bound(window.StartsAt), LedgerBalances.Bound(window.EndsAt)));
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
        using var count = new SqliteStatement(connection, string.Create(CultureInfo.InvariantCulture, $"SELECT COUNT(*) FROM (SELECT 1 FROM entry WHERE at >= ?1 AND at < ?2 LIMIT {MaxRows + 1})"));
        return count.Bind(1, startsAt).Bind(2, endsAt).Step() && count.Int64(0) <= MaxRows;
    }

    [LoggerMessage(EventId = 304, Level = LogLevel.Error, Message = "{Problem} 'llmcost ledger verify' checks the whole ledger.")]
    private static partial void LogRowWrong(ILogger logger, string problem);

    [LoggerMessage(EventId = 305, Level = LogLevel.Warning, Message = "The sums of the quarter-hour from {At:u} were not those of its rows; they were computed anew.")]
    private static partial void LogSumWrong(ILogger logger, DateTimeOffset at);

    [LoggerMessage(EventId = 306, Level = LogLevel.Warning, Message = "A window of budget '{Budget}' said {Posted} posted and {Pending} pending; its rows and holds add up to {RightPosted} and {RightPending}, which is what counts now.")]
    private static partial void LogWindowWrong(ILogger logger, string budget, BudgetAmount posted, BudgetAmount pending, BudgetAmount rightPosted, BudgetAmount rightPending);
}
