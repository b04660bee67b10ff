using System.Collections.Immutable;

namespace LlmCostCache.AI;

/// <summary>All that was set at run time: limits and grants, as of one revision of the ledger.</summary>
internal sealed class BudgetSettings(long revision, IEnumerable<BudgetSetting> limits, IEnumerable<BudgetGrant> grants)
{
    private readonly Dictionary<string, BudgetSetting> _limits = limits.ToDictionary(setting => setting.Budget.Id, StringComparer.Ordinal);
    private readonly Dictionary<string, ImmutableArray<BudgetGrant>> _grants = grants
        .GroupBy(grant => grant.Budget.Id, StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.ToImmutableArray(), StringComparer.Ordinal);

    public static BudgetSettings None { get; } = new(0, [], []);

    /// <summary>Rises with every change.</summary>
    public long Revision { get; } = revision;

    /// <summary>The grants that hold or will hold.</summary>
    public IEnumerable<BudgetGrant> Grants => _grants.Values.SelectMany(static grants => grants);

    public BudgetSetting? Of(Budget budget) => _limits.GetValueOrDefault(budget.Id);

    public ImmutableArray<BudgetGrant> GrantsOf(Budget budget) => _grants.GetValueOrDefault(budget.Id, []);

    /// <summary>What a budget allows at an instant, grants included.</summary>
    public BudgetAmount LimitOf(Budget budget, string key, DateTimeOffset at)
    {
        var limit = budget.Amount;
        if (_grants.Count > 0 && _grants.TryGetValue(budget.Id, out var grants))
        {
            foreach (var grant in grants)
            {
                if (grant.Holds(at) && (grant.Key is null || grant.Key == key))
                {
                    // A grant on top of "no limit" is still no limit.
                    limit = BudgetAmount.Of(limit.Unit, limit.Count > long.MaxValue - grant.Amount.Count ? long.MaxValue : limit.Count + grant.Amount.Count);
                }
            }
        }

        return limit;
    }

    /// <summary>The budgets that hold: those given in code with the limits set for them at run time, then those that were only set at run time.</summary>
    public IEnumerable<Budget> Over(IReadOnlyList<Budget> inCode)
    {
        foreach (var budget in inCode)
        {
            yield return _limits.TryGetValue(budget.Id, out var setting) ? budget.Under(setting.Budget) : budget;
        }

        if (_limits.Count > 0)
        {
            var known = inCode.Select(budget => budget.Id).ToHashSet(StringComparer.Ordinal);
            foreach (var setting in _limits.Values.Where(setting => !known.Contains(setting.Budget.Id)).OrderBy(setting => setting.Budget.Id, StringComparer.Ordinal))
            {
                yield return setting.Budget;
            }
        }
    }
}
