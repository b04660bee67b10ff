namespace LlmCostCache.AI;

/// <summary>A limit that was set at run time, by whom and when.</summary>
internal sealed record BudgetSetting(Budget Budget, DateTimeOffset At, string By, string? Note);
