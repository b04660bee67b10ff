namespace LlmCostCache.AI;

/// <summary>The budgets that hold at one revision: what is set at run time over what is given in code.</summary>
internal sealed record LimitSet(BudgetSettings Settings, BudgetMatcher Matcher);
