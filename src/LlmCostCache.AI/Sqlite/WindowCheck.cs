using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>The windows of the budgets as a check finds them, and what the rows and the holds add up to in each.</summary>
internal sealed class WindowCheck(SqliteConnection connection)
{
    /// <summary>What the holds of calls under way add up to in each window.</summary>
    internal const string WithHeld = """
        WITH held (budget_id, window_key, starts_at, amount) AS MATERIALIZED (
            SELECT budget_id, window_key, starts_at, SUM(hold.amount_nanos)
              FROM hold JOIN reservation ON reservation.id = hold.reservation_id
             WHERE reservation.state = 'pending'
             GROUP BY budget_id, window_key, starts_at)
        """;

    private readonly Dictionary<(string Budget, string Key), Windows> _windows = [];
    private readonly Dictionary<string, BudgetUnit> _units = new(StringComparer.Ordinal);
    private BudgetMatcher _budgets = BudgetMatcher.Empty;

    /// <summary>Reads what the ledger says.</summary>
    public void Read()
    {
        List<Budget> budgets = [.. LedgerReader.Budgets(connection)];
        _budgets = new BudgetMatcher(budgets);
        budgets.ForEach(budget => _units[budget.Id] = budget.Unit);
        using var select = new SqliteStatement(connection, $"""
            {WithHeld}
            SELECT budget_id, window_key, starts_at, ends_at, posted_nanos, pending_nanos, COALESCE(held.amount, 0)
              FROM budget_window LEFT JOIN held USING (budget_id, window_key, starts_at)
             ORDER BY budget_id, window_key, starts_at
            """);
        while (select.Step())
        {
            var key = (select.Text(0), select.Text(1));
            if (!_windows.TryGetValue(key, out var windows))
            {
                _windows.Add(key, windows = new());
            }

            windows.Add(new Window(select.Int64(2), select.Int64(3), select.Int64(4), select.Int64(5), select.Int64(6)));
        }
    }

    /// <summary>Adds a row to every window that it lies in.</summary>
    public void Count(LedgerEntry entry)
    {
        foreach (var (budget, key) in _budgets.Match(entry.Attribution, entry.RequestedModel, entry.ModelKey))
        {
            if (_windows.TryGetValue((budget.Id, key), out var windows))
            {
                foreach (var window in windows.At(entry.At))
                {
                    window.Sum += entry.CountOf(budget.Unit);
                }
            }
        }
    }

    /// <summary>Says what differs, but for windows of which rows could not be read.</summary>
    public void Compare(LedgerArchiveCheck archives, Action<string> wrong)
    {
        foreach (var ((budget, _), windows) in _windows)
        {
            var unit = _units.GetValueOrDefault(budget);
            foreach (var window in windows.All)
            {
                if (archives.Misses(window.StartsAt, window.EndsAt))
                {
                    continue;
                }

                if ((Int128)window.Posted != window.Sum)
                {
                    wrong($"A window of budget '{budget}' says {BudgetAmount.Of(unit, window.Posted)} posted, its rows add up to {BudgetAmount.Of(unit, (long)window.Sum)}.");
                }

                if (window.Pending != window.Held)
                {
                    wrong($"A window of budget '{budget}' says {BudgetAmount.Of(unit, window.Pending)} pending, its holds add up to {BudgetAmount.Of(unit, window.Held)}.");
                }
            }
        }
    }

    /// <summary>Makes the counters those of the rows and the holds.</summary>
    public void Write()
    {
        using var update = new SqliteStatement(connection, """
            UPDATE budget_window SET posted_nanos = ?4, pending_nanos = ?5
             WHERE budget_id = ?1 AND window_key = ?2 AND starts_at = ?3 AND (posted_nanos <> ?4 OR pending_nanos <> ?5)
            """);
        foreach (var ((budget, key), windows) in _windows)
        {
            foreach (var window in windows.All)
            {
                update.Bind(1, budget).Bind(2, key).Bind(3, window.StartsAt).Bind(4, checked((long)window.Sum)).Bind(5, window.Held).Run();
            }
        }
    }

    /// <summary>The windows of one budget and key. A budget by the minute has half a million of them a year, so that a row is not compared with each.</summary>
    private sealed class Windows
    {
        private readonly List<Window> _byStart = [];
        private Int128 _longest;

        public IReadOnlyList<Window> All => _byStart;

        /// <summary>They come in the order in which they begin.</summary>
        public void Add(Window window)
        {
            _byStart.Add(window);
            _longest = Int128.Max(_longest, (Int128)window.EndsAt - window.StartsAt);
        }

        /// <summary>Those that contain an instant: mostly one, but several where the zone was changed.</summary>
        public IEnumerable<Window> At(long instant)
        {
            for (var i = BegunBy(instant) - 1; i >= 0 && _byStart[i].StartsAt + _longest > instant; i--)
            {
                if (instant < _byStart[i].EndsAt)
                {
                    yield return _byStart[i];
                }
            }
        }

        /// <summary>How many have begun.</summary>
        private int BegunBy(long instant)
        {
            var (first, end) = (0, _byStart.Count);
            while (first < end)
            {
                var middle = (first + end) / 2;
                (first, end) = _byStart[middle].StartsAt <= instant ? (middle + 1, end) : (first, middle);
            }

            return first;
        }
    }

    private sealed class Window(long startsAt, long endsAt, long posted, long pending, long held)
    {
        public long StartsAt { get; } = startsAt;

        public long EndsAt { get; } = endsAt;

        public long Posted { get; } = posted;

        public long Pending { get; } = pending;

        public long Held { get; } = held;

        public Int128 Sum { get; set; }
    }
}
