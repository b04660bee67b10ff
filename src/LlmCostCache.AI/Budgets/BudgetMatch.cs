namespace LlmCostCache.AI;

/// <summary>A budget that counts a call, and the values of a template's names; the empty key for a plain budget.</summary>
internal readonly record struct BudgetMatch(Budget Budget, string Key);
