namespace LlmCostCache.AI.Cli.Simulation;

/// <summary>What is left of budgets while a trace is replayed. Matching, windows and limits are those of the product; what is counted is what a call costs, because here that is known beforehand.</summary>
internal sealed class BudgetRoom
{
    private readonly BudgetMatcher _budgets;
    private readonly Dictionary<(string Id, string Key), Window> _windows = [];

    public BudgetRoom(IEnumerable<Budget> budgets) => _budgets = new(budgets);

    public bool IsEmpty => _budgets.IsEmpty;

    /// <summary>Books a call if it fits every budget that refuses.</summary>
    /// <param name="who">Who pays.</param>
    /// <param name="model">The model that is asked.</param>
    /// <param name="priced">What it costs.</param>
    /// <param name="at">When.</param>
    /// <returns>False when it does not fit, or when nobody knows whether it does.</returns>
    public bool Books(Attribution who, string? model, PricedUsage priced, DateTimeOffset at)
    {
        var matching = _budgets.Match(who, model, priced.Model);
        foreach (var (budget, key) in matching)
        {
            if (budget.Mode != BudgetMode.Warn && (CountOf(budget, priced) is not { } count || Spent(budget, key, at) > budget.Amount.Count - count))
            {
                return false;
            }
        }

        foreach (var (budget, key) in matching)
        {
            Book(budget, key, CountOf(budget, priced) ?? 0, at);
        }

        return true;
    }

    private static long? CountOf(Budget budget, PricedUsage priced) => budget.Unit switch
    {
        BudgetUnit.Usd => priced.Cost.Amount?.Nanos,
        BudgetUnit.Tokens => priced.Cost.Usage.TotalTokens,
        _ => 1,
    };

    private long Spent(Budget budget, string key, DateTimeOffset at)
    {
        if (budget.Period == BudgetPeriod.PerCall || !_windows.TryGetValue((budget.Id, key), out var window))
        {
            return 0;
        }

        window.Forget(budget.Span is { } span ? at - span : LedgerCalendar.Utc.WindowOf(budget, at).StartsAt);
        return window.Count;
    }

    private void Book(Budget budget, string key, long count, DateTimeOffset at)
    {
        if (budget.Period == BudgetPeriod.PerCall)
        {
            return;
        }

        if (!_windows.TryGetValue((budget.Id, key), out var window))
        {
            _windows.Add((budget.Id, key), window = new());
        }

        if (budget.Span is null)
        {
            // A calendar window needs a sum and no times of its own.
            at = LedgerCalendar.Utc.WindowOf(budget, at).StartsAt;
        }

        window.Add(at, count);
    }

    /// <summary>What was counted, by the times that leave the window together.</summary>
    private sealed class Window
    {
        private readonly LinkedList<(DateTimeOffset At, long Count)> _parts = new();

        public long Count { get; private set; }

        public void Add(DateTimeOffset at, long count)
        {
            Count = checked(Count + count);
            if (_parts.Last is { } last && last.Value.At == at)
            {
                last.Value = (at, last.Value.Count + count);
            }
            else
            {
                _parts.AddLast((at, count));
            }
        }

        public void Forget(DateTimeOffset before)
        {
            while (_parts.First is { } first && first.Value.At < before)
            {
                Count -= first.Value.Count;
                _parts.RemoveFirst();
            }
        }
    }
}
