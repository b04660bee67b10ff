using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>Whether a call would fit the budgets, and what to say about it.</summary>
public sealed record BudgetCheck
{
    // Of the source that this follows: more than 80 percent used is worth a word.
    private const decimal Near = 0.8m;

    private BudgetCheck()
    {
    }

    /// <summary>Whether the call fits every budget that refuses. A call that needs exactly what is left fits.</summary>
    public bool IsAllowed { get; private init; } = true;

    /// <summary>The first budget that it does not fit; null when it fits.</summary>
    public Budget? Budget { get; private init; }

    /// <summary>Why it does not fit, with what is left and what it may need; null when it fits.</summary>
    public string? Reason { get; private init; }

    /// <summary>The models that the budget would ask instead, in this order; empty when the call would be refused, or fits.</summary>
    public IReadOnlyList<string> FallbackModels { get; private init; } = [];

    /// <summary>What is worth knowing although the call fits: budgets that are used by more than 80 percent, and those that only warn and would be exceeded.</summary>
    public IReadOnlyList<string> Warnings { get; private init; } = [];

    internal static BudgetCheck Of(Money estimate, IReadOnlyList<(BudgetMatch Match, BudgetAmount Limit)> matching, IReadOnlyList<WindowBalance> balances)
    {
        var check = new BudgetCheck();
        var warnings = new List<string>();
        foreach (var ((budget, key), limit) in matching)
        {
            var balance = balances.FirstOrDefault(balance => balance.Window.Budget?.Id == budget.Id && balance.Window.Key == key);
            if (budget.Unit != BudgetUnit.Usd)
            {
                check = check.With(budget, limit, balance, warnings);
                continue;
            }

            var (spent, reserved) = balance.Window.Budget is null || budget.Period == BudgetPeriod.PerCall ? (Money.Zero, Money.Zero) : (balance.Spent.Money, balance.Reserved.Money);
            var left = limit.Money - spent - reserved;
            if (estimate > Money.Zero && estimate > left)
            {
                var reason = string.Create(CultureInfo.InvariantCulture,
                    $"Budget '{budget.Name}' has ${Math.Max(0, left.Usd):0.0000} left, less than the estimated ${estimate.Usd:0.0000}.");
                if (budget.Mode == BudgetMode.Warn)
                {
                    warnings.Add(reason);
                }
                else if (check.IsAllowed)
                {
                    check = Refused(budget, reason);
                }
            }
            else if (budget.Period != BudgetPeriod.PerCall && BudgetStatus.Share(spent, limit) is var used and > Near)
            {
                warnings.Add(string.Create(CultureInfo.InvariantCulture, $"Budget '{budget.Name}' is used {used:0.#%}; ${Math.Max(0, left.Usd):0.0000} remains."));
            }
        }

        return check with { Warnings = warnings };
    }

    /// <summary>An estimate in dollars says nothing about tokens, so that one more must be left; one more request is one.</summary>
    private BudgetCheck With(Budget budget, BudgetAmount limit, WindowBalance balance, List<string> warnings)
    {
        var (spent, reserved) = balance.Window.Budget is null || budget.Period == BudgetPeriod.PerCall ? (0L, 0L) : (balance.Spent.Count, balance.Reserved.Count);
        var left = BudgetAmount.Of(budget.Unit, Math.Max(0, limit.Count - spent - reserved));
        if (left.Count > 0)
        {
            if (budget.Period != BudgetPeriod.PerCall && BudgetStatus.Share(BudgetAmount.Of(budget.Unit, spent), limit) is var used and > Near)
            {
                warnings.Add(string.Create(CultureInfo.InvariantCulture, $"Budget '{budget.Name}' is used {used:0.#%}; {left} remain."));
            }

            return this;
        }

        var reason = $"Budget '{budget.Name}' has {left} left, and a call takes at least one.";
        if (budget.Mode == BudgetMode.Warn)
        {
            warnings.Add(reason);
            return this;
        }

        return IsAllowed ? Refused(budget, reason) : this;
    }

    // A budget that asks the application falls back to nothing by itself.
    private static BudgetCheck Refused(Budget budget, string reason) =>
        new() { IsAllowed = false, Budget = budget, Reason = reason, FallbackModels = budget.Callback is null ? budget.FallbackModels : [] };
}
