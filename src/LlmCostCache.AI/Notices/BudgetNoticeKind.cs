namespace LlmCostCache.AI;

/// <summary>What a <see cref="BudgetNotice"/> says about a budget.</summary>
public enum BudgetNoticeKind
{
    /// <summary>Spending reached one of the budget's thresholds.</summary>
    Threshold,

    /// <summary>Spending will cross the limit before the period ends if it goes on as it did.</summary>
    Projection,

    /// <summary>A call was refused, the first in the period.</summary>
    Refusal,
}
