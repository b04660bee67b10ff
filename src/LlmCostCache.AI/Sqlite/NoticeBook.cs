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

            if (Give(window, limit, string.Create(CultureInfo.InvariantCulture, $"threshold {share:0.####}")))
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
        return _write.Bind(1, key.Id).Bind(2, key.Key).Bind(3, key.Item3).Bind(4, notice).Bind(5, limit.Count).Bind(6, LedgerTime.Micros(time.GetUtcNow())).Run() > 0;
    }

    /// <summary>The crossings of the transaction that was committed.</summary>
    public IReadOnlyList<BudgetCrossing> Take()
    {
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
}
