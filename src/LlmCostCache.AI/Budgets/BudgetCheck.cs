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
            if (budget.Unit != BudgetUnit.Usd)
            {
                // An estimate in dollars says nothing about tokens, and one more request is one.
                continue;
            }

            var balance = balances.FirstOrDefault(balance => balance.Window.Budget?.Id == budget.Id && balance.Window.Key == key);
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
                    check = new BudgetCheck { IsAllowed = false, Budget = budget, Reason = reason, FallbackModels = budget.FallbackModels };
                }
            }
            else if (budget.Period != BudgetPeriod.PerCall && BudgetStatus.Share(spent, limit) is var used and > Near)
            {
                warnings.Add(string.Create(CultureInfo.InvariantCulture, $"Budget '{budget.Name}' is used {used:0.#%}; ${Math.Max(0, left.Usd):0.0000} remains."));
            }
        }

        return check with { Warnings = warnings };
    }
}
