namespace LlmCostCache.AI;

/// <summary>Where a budget stood when it refused a call, in the unit that it counts.</summary>
/// <param name="Limit">What the budget allows in its period, grants included.</param>
/// <param name="Spent">What has been spent in the period.</param>
/// <param name="Reserved">What other calls that are under way may still take.</param>
/// <param name="Requested">What the refused call might have taken.</param>
public readonly record struct BudgetTally(BudgetAmount Limit, BudgetAmount Spent, BudgetAmount Reserved, BudgetAmount Requested);
