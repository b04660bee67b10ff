using System.Collections.Concurrent;

namespace LlmCostCache.AI;

/// <summary>Which windows this process has had counted.</summary>
internal sealed class CountedWindows
{
    private const int Most = 10_000;

    private readonly ConcurrentDictionary<(string Budget, string Key, DateTimeOffset StartsAt, long Limit), bool> _windows = new();

    /// <returns>Whether it is new; with very many windows some are new again, which does no harm.</returns>
    public bool Add(BudgetWindow window, BudgetAmount limit = default)
    {
        if (_windows.Count >= Most)
        {
            _windows.Clear();
        }

        return _windows.TryAdd((window.Budget.Id, window.Key, window.StartsAt, limit.Count), true);
    }

    /// <summary>It was not counted after all: the next time it is new again.</summary>
    public void Remove(BudgetWindow window, BudgetAmount limit = default) => _windows.TryRemove((window.Budget.Id, window.Key, window.StartsAt, limit.Count), out _);
}
