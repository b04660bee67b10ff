using System.Collections.Immutable;

namespace LlmCostCache.AI;

/// <summary>
/// The windows of the budgets, inside the transaction that its caller began. A calendar window is one row, gathered by <see cref="CalendarWindows"/>; a rolling span is a row for each of its slices
/// that has anything in it, written at once.
/// </summary>
internal sealed class LedgerWindows
{
    private readonly LedgerBudgets _budgets;
    private readonly NoticeBook _notices;
    private readonly WindowSeed _seed;
    private readonly CalendarWindows _calendar;
    private readonly SqliteStatement _completeFrom, _setCompleteFrom, _slices, _addSlice, _postSlice, _holdInSlice, _earliest, _pruneSlices;

    public LedgerWindows(Func<string, SqliteStatement> prepare, LedgerBudgets budgets, NoticeBook notices, Action beforeSeed)
    {
        _notices = notices;
        _budgets = budgets;
        _seed = new WindowSeed(prepare, beforeSeed);
        _calendar = new CalendarWindows(prepare);
        _completeFrom = prepare("SELECT complete_from FROM rolling_window WHERE budget_id = ?1 AND window_key = ?2");
        _setCompleteFrom = prepare("""
            INSERT INTO rolling_window (budget_id, window_key, complete_from) VALUES (?1, ?2, ?3)
                ON CONFLICT (budget_id, window_key) DO UPDATE SET complete_from = excluded.complete_from
            """);
        _slices = prepare("""
            SELECT starts_at, posted_nanos, pending_nanos FROM budget_window
             WHERE budget_id = ?1 AND window_key = ?2 AND starts_at >= ?3 AND starts_at <= ?4
             ORDER BY starts_at
            """);
        _addSlice = prepare("""
            INSERT INTO budget_window (budget_id, window_key, starts_at, ends_at, posted_nanos, pending_nanos) VALUES (?1, ?2, ?3, ?4, ?5, 0)
                ON CONFLICT (budget_id, window_key, starts_at) DO NOTHING
            """);
        _postSlice = prepare("UPDATE budget_window SET posted_nanos = posted_nanos + ?1 WHERE budget_id = ?2 AND window_key = ?3 AND starts_at = ?4");
        _holdInSlice = prepare("UPDATE budget_window SET pending_nanos = pending_nanos + ?1 WHERE budget_id = ?2 AND window_key = ?3 AND starts_at = ?4");
        _earliest = prepare("SELECT MIN(starts_at) FROM budget_window WHERE budget_id = ?1 AND window_key = ?2");
        _pruneSlices = prepare("DELETE FROM budget_window WHERE budget_id = ?1 AND window_key = ?2 AND starts_at < ?3 AND pending_nanos = 0");
    }

    /// <summary>
    /// Whether thresholds are left to the next call to announce: rows that were made elsewhere are written by whoever brings them, and the application that watches its
    /// budgets is to hear of it, not the command line.
    /// </summary>
    public bool IsQuiet { get; set; }

    /// <summary>Where a window stands, opened with what the ledger holds for it when it was not there.</summary>
    /// <param name="window">The window.</param>
    /// <param name="by">Who asks, for the history of a budget that is not known yet.</param>
    /// <param name="earlier">What was read, before this transaction, of windows that have to be added up.</param>
    public WindowBalance Find(BudgetWindow window, string by, ImmutableArray<EarlierSums> earlier = default)
    {
        _budgets.Remember(window.Budget, by);
        if (window.Budget.Span is { } span)
        {
            OpenSlice(window, RollingSlices.Of(span), earlier);
            var (spent, held) = (0L, 0L);
            foreach (var (_, slicePosted, slicePending) in Slices(window, RollingSlices.Of(span)))
            {
                (spent, held) = checked((spent + slicePosted, held + slicePending));
            }

            return Balance(window, spent, held);
        }

        var calendar = FindOrOpen(window, earlier);
        return Balance(window, calendar.Posted, calendar.Pending);
    }

    /// <summary>When a hold that a rolling budget refused will fit, if nothing is added until then; null for other budgets and for what never fits.</summary>
    public DateTimeOffset? FitsAt(Hold hold, BudgetAmount limit)
    {
        if (hold.Window.Budget.Span is not { } span || hold.Amount > limit)
        {
            return null;
        }

        var slices = RollingSlices.Of(span);
        var all = Slices(hold.Window, slices);
        var left = all.Sum(static slice => slice.Posted + slice.Pending);
        foreach (var (startsAt, posted, pending) in all)
        {
            left -= posted + pending;
            if (left <= limit.Count - hold.Amount.Count)
            {
                return LedgerTime.Instant(startsAt) + (slices.Count + 1) * slices.Length;
            }
        }

        return null;
    }

    public void Hold(List<StoredHold> holds) => Hold(holds, 1);

    public void Release(List<StoredHold> holds) => Hold(holds, -1);

    /// <summary>Writes what was gathered.</summary>
    public void Flush() => _calendar.Flush();

    /// <summary>What was gathered and read is forgotten: the transaction, or a part of it, was undone, or others write the windows.</summary>
    public void Forget() => _calendar.Forget();

    /// <summary>The most that is held in a unit; null when nothing is.</summary>
    public long? Most(List<StoredHold> holds, BudgetUnit unit)
    {
        long? most = null;
        foreach (var hold in holds)
        {
            if (_budgets.UnitOf(hold.Budget) == unit)
            {
                most = Math.Max(most ?? 0, hold.Amount);
            }
        }

        return most;
    }

    public bool Overruns(LedgerEntry entry, List<StoredHold> holds) => holds.Exists(hold => entry.CountOf(_budgets.UnitOf(hold.Budget)) > hold.Amount);

    /// <summary>Counts the row in every window there is that it belongs to, whether or not something was held in it.</summary>
    public void Post(LedgerEntry entry)
    {
        if (entry.CountOf(BudgetUnit.Usd) == 0 && entry.CountOf(BudgetUnit.Tokens) == 0 && entry.CountOf(BudgetUnit.Requests) == 0)
        {
            return;
        }

        foreach (var (budget, key) in _budgets.Match(entry))
        {
            var count = entry.CountOf(budget.Unit);
            if (count == 0)
            {
                continue;
            }

            if (budget.Span is { } span)
            {
                PostSlice(budget, key, entry.At, count, RollingSlices.Of(span));
            }
            else
            {
                foreach (var window in _calendar.Around(budget, key, entry.At))
                {
                    if (window.StartsAt <= entry.At && window.EndsAt > entry.At)
                    {
                        _calendar.Add(window, count, 0);
                        Announce(new BudgetWindow(budget, key, LedgerTime.Bound(window.StartsAt), LedgerTime.Bound(window.EndsAt)), window.Posted, window.Pending);
                    }
                }
            }
        }
    }

    private WindowBalance Balance(BudgetWindow window, long posted, long pending)
    {
        var unit = window.Budget.Unit;
        return new WindowBalance(window, _budgets.LimitOf(window), BudgetAmount.Of(unit, posted), BudgetAmount.Of(unit, pending));
    }

    private void Hold(List<StoredHold> holds, int sign)
    {
        foreach (var hold in holds)
        {
            if (_budgets.Find(hold.Budget) is not { Span: null })
            {
                _holdInSlice.Bind(1, sign * hold.Amount).Bind(2, hold.Budget).Bind(3, hold.Key).Bind(4, hold.StartsAt).Run();
            }
            else if (_calendar.Find(hold.Budget, hold.Key, hold.StartsAt) is { } window)
            {
                _calendar.Add(window, 0, sign * hold.Amount);
            }
        }
    }

    private CalendarWindow FindOrOpen(BudgetWindow window, ImmutableArray<EarlierSums> earlier)
    {
        var startsAt = LedgerTime.Micros(window.StartsAt);
        if (_calendar.Find(window.Budget.Id, window.Key, startsAt) is { } found)
        {
            return found;
        }

        var opened = _calendar.Open(window.Budget.Id, window.Key, startsAt, LedgerTime.Micros(window.EndsAt), _seed.Sum(window, Earlier(earlier, window, null)));
        Announce(window, opened.Posted, 0);
        return opened;
    }

    private static EarlierSums? Earlier(ImmutableArray<EarlierSums> earlier, BudgetWindow window, TimeSpan? slice) =>
        earlier.IsDefaultOrEmpty ? null : earlier.FirstOrDefault(sums => sums.Answers(window, slice));

    /// <summary>Opens the slice of a call; when the slices before it were never counted, those with rows in them too.</summary>
    private void OpenSlice(BudgetWindow window, RollingSlices slices, ImmutableArray<EarlierSums> earlier)
    {
        var first = slices.FirstBeside(window.StartsAt);
        var from = LedgerTime.Micros(first);
        var completeFrom = CompleteFrom(window.Budget.Id, window.Key);
        if (completeFrom is null || completeFrom > from)
        {
            // Later slices too: rows may be dated ahead of this machine's clock.
            var until = completeFrom is { } known ? LedgerTime.Instant(known) : DateTimeOffset.MaxValue;
            var whole = window with { StartsAt = first, EndsAt = until };
            foreach (var (startsAt, count) in _seed.Sums(whole, slices.Length, Earlier(earlier, whole, slices.Length)))
            {
                AddSlice(window.Budget.Id, window.Key, startsAt, slices, count);
            }

            _setCompleteFrom.Bind(1, window.Budget.Id).Bind(2, window.Key).Bind(3, from).Run();
        }

        if (AddSlice(window.Budget.Id, window.Key, LedgerTime.Micros(window.StartsAt), slices, 0))
        {
            Prune(window, slices, slices.FirstBeside(first));
        }
    }

    /// <summary>Takes slices away that no span reaches any more, when the oldest is a whole span behind: once in a span, not with each call.</summary>
    private void Prune(BudgetWindow window, RollingSlices slices, DateTimeOffset before)
    {
        _earliest.Bind(1, window.Budget.Id).Bind(2, window.Key).Step();
        var earliest = _earliest.Int64(0);
        _earliest.Reset();
        if (earliest < LedgerTime.Micros(before))
        {
            // Whole slices: one that is taken away counts again when the clock is set back, and is then added up from here.
            var from = LedgerTime.Micros(before + slices.Count / 2 * slices.Length);
            _pruneSlices.Bind(1, window.Budget.Id).Bind(2, window.Key).Bind(3, from).Run();
            _setCompleteFrom.Bind(1, window.Budget.Id).Bind(2, window.Key).Bind(3, Math.Max(from, CompleteFrom(window.Budget.Id, window.Key) ?? from)).Run();
        }
    }

    private void PostSlice(Budget budget, string key, long at, long count, RollingSlices slices)
    {
        var startsAt = LedgerTime.Micros(slices.SliceOf(LedgerTime.Instant(at)).StartsAt);
        if (CompleteFrom(budget.Id, key) is { } from && startsAt >= from)
        {
            AddSlice(budget.Id, key, startsAt, slices, 0);
        }

        _postSlice.Bind(1, count).Bind(2, budget.Id).Bind(3, key).Bind(4, startsAt).Run();
        AnnounceRolling(budget, key, at, slices);
    }

    /// <summary>Announces the thresholds that the window has come to.</summary>
    private void Announce(BudgetWindow window, long posted, long pending)
    {
        if (IsQuiet)
        {
            return;
        }

        var holding = window with { Budget = _budgets.Holding(window.Budget) };
        var unit = holding.Budget.Unit;
        _notices.Compare(holding, _budgets.LimitOf(holding), BudgetAmount.Of(unit, posted), BudgetAmount.Of(unit, pending));
    }

    private void AnnounceRolling(Budget budget, string key, long at, RollingSlices slices)
    {
        if (IsQuiet || _budgets.Holding(budget).AnnouncedAt.Shares.IsEmpty)
        {
            return;
        }

        var instant = LedgerTime.Instant(at);
        var slice = slices.SliceOf(instant);
        var window = new BudgetWindow(budget, key, slice.StartsAt, slice.EndsAt);
        var all = Slices(window, slices);
        Announce(window.ForNotices(instant), all.Sum(static slice => slice.Posted), all.Sum(static slice => slice.Pending));
    }

    private long? CompleteFrom(string budget, string key)
    {
        _completeFrom.Bind(1, budget).Bind(2, key);
        if (!_completeFrom.Step())
        {
            return null;
        }

        var from = _completeFrom.Int64(0);
        _completeFrom.Reset();
        return from;
    }

    private bool AddSlice(string budget, string key, long startsAt, RollingSlices slices, long posted) =>
        _addSlice.Bind(1, budget).Bind(2, key).Bind(3, startsAt).Bind(4, startsAt + slices.Length.Ticks / TimeSpan.TicksPerMicrosecond).Bind(5, posted).Run() > 0;

    private List<(long StartsAt, long Posted, long Pending)> Slices(BudgetWindow window, RollingSlices slices)
    {
        var found = new List<(long, long, long)>();
        _slices.Bind(1, window.Budget.Id).Bind(2, window.Key)
            .Bind(3, LedgerTime.Micros(slices.FirstBeside(window.StartsAt))).Bind(4, LedgerTime.Micros(slices.LastBeside(window.StartsAt)));
        while (_slices.Step())
        {
            found.Add((_slices.Int64(0), _slices.Int64(1), _slices.Int64(2)));
        }

        return found;
    }
}
