namespace LlmCostCache.AI;

/// <summary>
/// The windows of the budgets and what is held in them, inside the transaction that its caller began. A calendar window is one row; a rolling span is a row for each of its slices that has
/// anything in it.
/// </summary>
internal sealed class LedgerWindows
{
    private readonly LedgerBudgets _budgets;
    private readonly NoticeBook _notices;
    private readonly WindowSeed _seed;
    private readonly SqliteStatement _window, _insertWindow, _post, _hold, _unhold, _insertHold, _holds, _deleteHolds;
    private readonly SqliteStatement _completeFrom, _setCompleteFrom, _slices, _addSlice, _postSlice, _earliest, _pruneSlices;

    public LedgerWindows(Func<string, SqliteStatement> prepare, LedgerBudgets budgets, NoticeBook notices, Action beforeSeed)
    {
        _notices = notices;
        _budgets = budgets;
        _seed = new WindowSeed(prepare, beforeSeed);
        _window = prepare("SELECT posted_nanos, pending_nanos FROM budget_window WHERE budget_id = ?1 AND window_key = ?2 AND starts_at = ?3");
        _insertWindow = prepare("INSERT INTO budget_window (budget_id, window_key, starts_at, ends_at, posted_nanos, pending_nanos) VALUES (?1, ?2, ?3, ?4, ?5, 0)");
        _post = prepare("""
            UPDATE budget_window SET posted_nanos = posted_nanos + ?1
             WHERE budget_id = ?2 AND window_key = ?3 AND starts_at <= ?4 AND ends_at > ?4
            RETURNING starts_at, ends_at, posted_nanos, pending_nanos
            """);
        _hold = prepare("UPDATE budget_window SET pending_nanos = pending_nanos + ?1 WHERE budget_id = ?2 AND window_key = ?3 AND starts_at = ?4");
        _unhold = prepare("UPDATE budget_window SET pending_nanos = pending_nanos - ?1 WHERE budget_id = ?2 AND window_key = ?3 AND starts_at = ?4");
        _insertHold = prepare("INSERT INTO hold (reservation_id, budget_id, window_key, starts_at, amount_nanos) VALUES (?1, ?2, ?3, ?4, ?5)");
        _holds = prepare("SELECT budget_id, window_key, starts_at, amount_nanos FROM hold WHERE reservation_id = ?1");
        _deleteHolds = prepare("DELETE FROM hold WHERE reservation_id = ?1");
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
        _earliest = prepare("SELECT MIN(starts_at) FROM budget_window WHERE budget_id = ?1 AND window_key = ?2");
        _pruneSlices = prepare("""
            DELETE FROM budget_window
             WHERE budget_id = ?1 AND window_key = ?2 AND starts_at < ?3
               AND NOT EXISTS (SELECT 1 FROM hold WHERE hold.budget_id = budget_window.budget_id AND hold.window_key = budget_window.window_key AND hold.starts_at = budget_window.starts_at)
            """);
    }

    /// <summary>Where a window stands, opened with what the ledger holds for it when it was not there.</summary>
    public WindowBalance Find(BudgetWindow window, string by)
    {
        _budgets.Remember(window.Budget, by);
        if (window.Budget.Span is { } span)
        {
            OpenSlice(window, RollingSlices.Of(span));
            var (spent, held) = (0L, 0L);
            foreach (var (_, slicePosted, slicePending) in Slices(window, RollingSlices.Of(span)))
            {
                (spent, held) = checked((spent + slicePosted, held + slicePending));
            }

            return Balance(window, spent, held);
        }

        var (posted, pending) = FindOrCreate(window);
        return Balance(window, posted, pending);
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

    public void Hold(string id, IEnumerable<StoredHold> wanted)
    {
        foreach (var hold in wanted)
        {
            _hold.Bind(1, hold.Amount).Bind(2, hold.Budget).Bind(3, hold.Key).Bind(4, hold.StartsAt).Run();
            _insertHold.Bind(1, id).Bind(2, hold.Budget).Bind(3, hold.Key).Bind(4, hold.StartsAt).Bind(5, hold.Amount).Run();
        }
    }

    public List<StoredHold> Holds(string id)
    {
        var holds = new List<StoredHold>();
        _holds.Bind(1, id);
        while (_holds.Step())
        {
            holds.Add(new StoredHold(_holds.Text(0), _holds.Text(1), _holds.Int64(2), _holds.Int64(3)));
        }

        return holds;
    }

    public void Release(List<StoredHold> holds)
    {
        foreach (var hold in holds)
        {
            _unhold.Bind(1, hold.Amount).Bind(2, hold.Budget).Bind(3, hold.Key).Bind(4, hold.StartsAt).Run();
        }
    }

    /// <summary>Forgets what a reservation held: its row stands for it now.</summary>
    public void Drop(string id) => _deleteHolds.Bind(1, id).Run();

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

        foreach (var (budget, key) in _budgets.Matcher.Match(entry.Attribution, entry.RequestedModel, entry.ModelKey))
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
                _post.Bind(1, count).Bind(2, budget.Id).Bind(3, key).Bind(4, entry.At);
                while (_post.Step())
                {
                    Announce(new BudgetWindow(budget, key, LedgerTime.Bound(_post.Int64(0)), LedgerTime.Bound(_post.Int64(1))), _post.Int64(2), _post.Int64(3));
                }
            }
        }
    }

    private WindowBalance Balance(BudgetWindow window, long posted, long pending)
    {
        var unit = window.Budget.Unit;
        return new WindowBalance(window, _budgets.LimitOf(window), BudgetAmount.Of(unit, posted), BudgetAmount.Of(unit, pending));
    }

    private (long Posted, long Pending) FindOrCreate(BudgetWindow window)
    {
        var startsAt = LedgerTime.Micros(window.StartsAt);
        _window.Bind(1, window.Budget.Id).Bind(2, window.Key).Bind(3, startsAt);
        if (_window.Step())
        {
            var found = (_window.Int64(0), _window.Int64(1));
            _window.Reset();
            return found;
        }

        var posted = _seed.Sum(window);
        _insertWindow.Bind(1, window.Budget.Id).Bind(2, window.Key).Bind(3, startsAt).Bind(4, LedgerTime.Micros(window.EndsAt)).Bind(5, posted).Run();
        Announce(window, posted, 0);
        return (posted, 0);
    }

    /// <summary>Opens the slice of a call; when the slices before it were never counted, those with rows in them too.</summary>
    private void OpenSlice(BudgetWindow window, RollingSlices slices)
    {
        var first = slices.FirstBeside(window.StartsAt);
        var from = LedgerTime.Micros(first);
        var completeFrom = CompleteFrom(window.Budget.Id, window.Key);
        if (completeFrom is null || completeFrom > from)
        {
            // Later slices too: rows may be dated ahead of this machine's clock.
            var until = completeFrom is { } known ? LedgerTime.Instant(known) : DateTimeOffset.MaxValue;
            foreach (var (startsAt, count) in _seed.Sums(window with { StartsAt = first, EndsAt = until }, slices.Length))
            {
                AddSlice(window.Budget.Id, window.Key, startsAt, slices, count);
            }

            _setCompleteFrom.Bind(1, window.Budget.Id).Bind(2, window.Key).Bind(3, from).Run();
        }

        if (AddSlice(window.Budget.Id, window.Key, LedgerTime.Micros(window.StartsAt), slices, 0))
        {
            Prune(window, LedgerTime.Micros(slices.FirstBeside(first)));
        }
    }

    /// <summary>Takes slices away that no span reaches any more, when the oldest is a whole span behind: once in a span, not with each call.</summary>
    private void Prune(BudgetWindow window, long before)
    {
        _earliest.Bind(1, window.Budget.Id).Bind(2, window.Key).Step();
        var earliest = _earliest.Int64(0);
        _earliest.Reset();
        if (earliest < before)
        {
            var from = before + (long)(window.Budget.Span!.Value.TotalMicroseconds / 2);
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
        var holding = window with { Budget = _budgets.Holding(window.Budget) };
        var unit = holding.Budget.Unit;
        _notices.Compare(holding, _budgets.LimitOf(holding), BudgetAmount.Of(unit, posted), BudgetAmount.Of(unit, pending));
    }

    private void AnnounceRolling(Budget budget, string key, long at, RollingSlices slices)
    {
        if (_budgets.Holding(budget).AnnouncedAt.Shares.IsEmpty)
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
