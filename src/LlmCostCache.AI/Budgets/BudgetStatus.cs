namespace LlmCostCache.AI;

/// <summary>Where a budget stands in its current period.</summary>
public sealed record BudgetStatus
{
    /// <summary>The budget.</summary>
    public required Budget Budget { get; init; }

    /// <summary>Whose period it is where each user, session and so on has their own: <c>user=alice</c>; empty for other budgets.</summary>
    public string Key { get; init; } = "";

    /// <summary>When the period began; null when it has no beginning, as a rolling span has none.</summary>
    public DateTimeOffset? StartsAt { get; init; }

    /// <summary>When the next period begins; null when there is none.</summary>
    public DateTimeOffset? ResetsAt { get; init; }

    /// <summary>What the budget allows in its period.</summary>
    public required BudgetAmount Limit { get; init; }

    /// <summary>What is spent in the period.</summary>
    public required BudgetAmount Spent { get; init; }

    /// <summary>What calls under way may still cost.</summary>
    public required BudgetAmount Reserved { get; init; }

    /// <summary>What is left of the limit, reservations not counted; never below zero.</summary>
    public BudgetAmount Remaining => Left(Limit, Spent);

    /// <summary>Which share of the limit is spent, 0.8 for 80 percent; above 1 when more was spent than allowed. Of a limit of zero everything is.</summary>
    public decimal Utilization => Share(Spent, Limit);

    /// <summary>What the budget's calls of the last 3,600 seconds took; null when it was not asked for.</summary>
    public BudgetAmount? HourlyRate { get; init; }

    /// <summary>What will be spent at the end of the period if spending goes on as <see cref="ProjectionBasis"/> says; null when that cannot be said, or was not asked for.</summary>
    public BudgetAmount? Projected { get; init; }

    /// <summary>What <see cref="Projected"/> goes by.</summary>
    public ProjectionBasis ProjectionBasis { get; init; }

    internal static BudgetAmount Left(BudgetAmount limit, BudgetAmount spent) => BudgetAmount.Of(limit.Unit, Math.Max(0, limit.Count - spent.Count));

    internal static decimal Share(BudgetAmount spent, BudgetAmount limit) => limit.Count <= 0 ? 1 : (decimal)spent.Count / limit.Count;
}
