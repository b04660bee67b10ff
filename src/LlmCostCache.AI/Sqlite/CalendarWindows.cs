namespace LlmCostCache.AI;

/// <summary>
/// The calendar windows that a transaction has met. Each is read once and written once, however many calls of the batch it counts: what is added to it is gathered and goes to the file before the
/// commit, as a difference. Nothing is remembered beyond the transaction, in which nobody else can write.
/// </summary>
internal sealed class CalendarWindows
{
    /// <summary>The windows that a quarter-hour lies in. Windows that began so long ago that they are over are not read: a budget by the minute has half a million of them a year.</summary>
    internal const string SlotWindows = """
        SELECT starts_at, ends_at, posted_nanos, pending_nanos FROM budget_window
         WHERE budget_id = ?1 AND window_key = ?2 AND starts_at >= ?5 AND starts_at < ?4 AND ends_at > ?3
        """;

    private readonly Dictionary<(string Budget, string Key, long StartsAt), CalendarWindow> _met = [];

    // The windows that a quarter-hour lies in, whole or in part: mostly one, but several where the zone was changed.
    private readonly Dictionary<(string Budget, string Key, long Slot), List<CalendarWindow>> _around = [];
    private readonly List<CalendarWindow> _changed = [];
    private readonly SqliteStatement _window, _slotWindows, _insert, _add;

    public CalendarWindows(Func<string, SqliteStatement> prepare)
    {
        _window = prepare("SELECT ends_at, posted_nanos, pending_nanos FROM budget_window WHERE budget_id = ?1 AND window_key = ?2 AND starts_at = ?3");
        _slotWindows = prepare(SlotWindows);
        _insert = prepare("INSERT INTO budget_window (budget_id, window_key, starts_at, ends_at, posted_nanos, pending_nanos) VALUES (?1, ?2, ?3, ?4, ?5, 0)");
        _add = prepare("""
            UPDATE budget_window SET posted_nanos = posted_nanos + ?4, pending_nanos = pending_nanos + ?5 WHERE budget_id = ?1 AND window_key = ?2 AND starts_at = ?3
            """);
    }

    public CalendarWindow? Find(string budget, string key, long startsAt)
    {
        if (_met.TryGetValue((budget, key, startsAt), out var met))
        {
            return met;
        }

        _window.Bind(1, budget).Bind(2, key).Bind(3, startsAt);
        if (!_window.Step())
        {
            return null;
        }

        var window = Meet(budget, key, startsAt, _window.Int64(0), _window.Int64(1), _window.Int64(2));
        _window.Reset();
        return window;
    }

    public CalendarWindow Open(string budget, string key, long startsAt, long endsAt, long posted)
    {
        _insert.Bind(1, budget).Bind(2, key).Bind(3, startsAt).Bind(4, endsAt).Bind(5, posted).Run();
        _around.Clear();
        return Meet(budget, key, startsAt, endsAt, posted, 0);
    }

    /// <summary>The windows that a moment lies in or beside, by the quarter-hour.</summary>
    public List<CalendarWindow> Around(Budget counted, string key, long at)
    {
        var (budget, slot) = (counted.Id, LedgerTime.Slot(at));
        if (_around.TryGetValue((budget, key, slot), out var around))
        {
            return around;
        }

        around = [];
        _slotWindows.Bind(1, budget).Bind(2, key).Bind(3, LedgerTime.SlotStart(slot)).Bind(4, LedgerTime.SlotStart(slot + 1)).Bind(5, EarliestStart(counted.Period, slot));
        while (_slotWindows.Step())
        {
            around.Add(_met.TryGetValue((budget, key, _slotWindows.Int64(0)), out var met) ? met
                : Meet(budget, key, _slotWindows.Int64(0), _slotWindows.Int64(1), _slotWindows.Int64(2), _slotWindows.Int64(3)));
        }

        _around.Add((budget, key, slot), around);
        return around;
    }

    /// <exception cref="OverflowException">A sum does not fit.</exception>
    public void Add(CalendarWindow window, long posted, long pending)
    {
        if (window.Add(posted, pending))
        {
            _changed.Add(window);
        }
    }

    /// <summary>Writes what was gathered.</summary>
    public void Flush()
    {
        foreach (var window in _changed)
        {
            var (posted, pending) = window.Take();
            if (posted != 0 || pending != 0)
            {
                _add.Bind(1, window.Budget).Bind(2, window.Key).Bind(3, window.StartsAt).Bind(4, posted).Bind(5, pending).Run();
            }
        }

        _changed.Clear();
    }

    /// <summary>The transaction has ended, a part of it was undone, or somebody else counts in it: everything is read again.</summary>
    public void Forget()
    {
        _met.Clear();
        _around.Clear();
        _changed.Clear();
    }

    /// <summary>When a window of a period that reaches into a quarter-hour can have begun at the earliest.</summary>
    internal static long EarliestStart(BudgetPeriod period, long slot) =>
        BudgetCalendar.NoLongerThan(period) is { } longest ? LedgerTime.SlotStart(slot) - (longest.Ticks / TimeSpan.TicksPerMicrosecond) : long.MinValue;

    private CalendarWindow Meet(string budget, string key, long startsAt, long endsAt, long posted, long pending)
    {
        var window = new CalendarWindow(budget, key, startsAt, endsAt, posted, pending);
        _met.Add((budget, key, startsAt), window);
        return window;
    }
}
