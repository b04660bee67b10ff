using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>Which notices were given, decided inside the transaction that moves the money: of all processes one writes the row, and that one says it.</summary>
internal sealed class NoticeBook(Func<string, SqliteStatement> prepare, TimeProvider time)
{
    // Past this many windows it is cheaper to ask the file again than to remember.
    private const int MaxKnown = 10_000;

    private readonly SqliteStatement _write = prepare("""
        INSERT INTO budget_notice (budget_id, window_key, starts_at, notice, limit_nanos, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT (budget_id, window_key, starts_at, notice) DO UPDATE SET limit_nanos = excluded.limit_nanos, at = excluded.at
         WHERE limit_nanos < excluded.limit_nanos
        """);

    private readonly Dictionary<(string Budget, string Key, long StartsAt, string Notice), long> _known = [];
    private readonly List<BudgetCrossing> _crossings = [];

    // What this transaction has written, and what an earlier one did of which nobody knows whether it was committed. The instant tells it from what others write.
    private readonly Dictionary<(string Budget, string Key, long StartsAt, string Notice), (long Limit, long At)> _given = [];
    private readonly Dictionary<(string Budget, string Key, long StartsAt, string Notice), (long Limit, long At)> _doubtful = [];
    private readonly Dictionary<(string Budget, string Key, long StartsAt, string Notice), BudgetCrossing> _doubtfulCrossings = [];

    private readonly SqliteStatement _isWritten = prepare("""
        SELECT 1 FROM budget_notice WHERE budget_id = ?1 AND window_key = ?2 AND starts_at = ?3 AND notice = ?4 AND limit_nanos = ?5 AND at = ?6
        """);

    /// <summary>How many crossings wait for the commit.</summary>
    public int Count => _crossings.Count;

    /// <summary>Notes which thresholds the window's spending has reached.</summary>
    public void Compare(BudgetWindow window, BudgetAmount limit, BudgetAmount spent, BudgetAmount reserved)
    {
        foreach (var share in window.Budget.AnnouncedAt.Shares)
        {
            if (!BudgetThresholds.IsReached(share, spent, limit))
            {
                return;
            }

            if (Give(window, limit, Mark(share)))
            {
                _crossings.Add(new BudgetCrossing(window, share, limit, spent, reserved, time.GetUtcNow()));
            }
        }
    }

    /// <returns>Whether it is said for the first time, or for the first time since the limit was raised.</returns>
    public bool Give(BudgetWindow window, BudgetAmount limit, string notice)
    {
        var key = (window.Budget.Id, window.Key, LedgerTime.Micros(window.StartsAt), notice);
        if (_known.TryGetValue(key, out var before) && before >= limit.Count)
        {
            return false;
        }

        if (_known.Count >= MaxKnown)
        {
            _known.Clear();
        }

        _known[key] = limit.Count;
        var at = LedgerTime.Micros(time.GetUtcNow());
        if (_write.Bind(1, key.Id).Bind(2, key.Key).Bind(3, key.Item3).Bind(4, notice).Bind(5, limit.Count).Bind(6, at).Run() > 0)
        {
            _given[key] = (limit.Count, at);
            return true;
        }

        return WasCommitted(key);
    }

    /// <summary>Remembers what a transaction noticed whose commit is in doubt.</summary>
    public void Doubt(NoticeBook failed)
    {
        if (failed != this)
        {
            failed.Doubt(failed);
            foreach (var (key, crossing) in failed._doubtfulCrossings)
            {
                _doubtfulCrossings[key] = crossing;
            }

            foreach (var (key, written) in failed._doubtful)
            {
                _doubtful[key] = written;
            }

            return;
        }

        foreach (var (key, written) in _given)
        {
            _doubtful[key] = written;
        }

        // One that was in doubt before is here again when it was about to be told.
        foreach (var crossing in _crossings)
        {
            _doubtfulCrossings[KeyOf(crossing)] = crossing;
        }

        _crossings.Clear();
        _given.Clear();
    }

    /// <summary>At the beginning of a transaction: what was in doubt and is in the file was committed, and is told with this one.</summary>
    public void Resolve()
    {
        foreach (var (key, crossing) in _doubtfulCrossings)
        {
            if (WasCommitted(key))
            {
                _crossings.Add(crossing);
                _known[key] = crossing.Limit.Count;
            }
        }
    }

    /// <summary>The crossings of the transaction that was committed.</summary>
    public IReadOnlyList<BudgetCrossing> Take()
    {
        _given.Clear();
        _doubtful.Clear();
        _doubtfulCrossings.Clear();
        if (_crossings.Count == 0)
        {
            return [];
        }

        BudgetCrossing[] taken = [.. _crossings];
        _crossings.Clear();
        return taken;
    }

    /// <summary>What was written since then is undone in the file.</summary>
    public void Undo(int count)
    {
        _crossings.RemoveRange(count, _crossings.Count - count);
        _known.Clear();
    }

    private static (string Budget, string Key, long StartsAt, string Notice) KeyOf(BudgetCrossing crossing) =>
        (crossing.Window.Budget.Id, crossing.Window.Key, LedgerTime.Micros(crossing.Window.StartsAt), Mark(crossing.Share));

    private static string Mark(decimal share) => string.Create(CultureInfo.InvariantCulture, $"threshold {share:0.####}");

    private bool WasCommitted((string Budget, string Key, long StartsAt, string Notice) key)
    {
        if (!_doubtful.TryGetValue(key, out var written))
        {
            return false;
        }

        var isWritten = _isWritten.Bind(1, key.Budget).Bind(2, key.Key).Bind(3, key.StartsAt).Bind(4, key.Notice).Bind(5, written.Limit).Bind(6, written.At).Step();
        _isWritten.Reset();
        return isWritten;
    }
}
