namespace LlmCostCache.AI;

/// <summary>Spending in a window came to a share of the limit, for the first time in any process.</summary>
/// <param name="Window">The window.</param>
/// <param name="Share">The threshold, 0.8 for 80 percent.</param>
/// <param name="Limit">What the window allows now, grants included.</param>
/// <param name="Spent">What is spent, with the call that reached it.</param>
/// <param name="Reserved">What calls under way hold.</param>
/// <param name="At">When it was noticed.</param>
internal sealed record BudgetCrossing(BudgetWindow Window, decimal Share, BudgetAmount Limit, BudgetAmount Spent, BudgetAmount Reserved, DateTimeOffset At);
