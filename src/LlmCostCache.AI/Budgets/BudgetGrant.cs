namespace LlmCostCache.AI;

/// <summary>An amount that a budget allows on top of its limit for a while.</summary>
public sealed record BudgetGrant
{
    internal BudgetGrant()
    {
    }

    /// <summary>Names the grant; never used for another one.</summary>
    public long Id { get; internal init; }

    /// <summary>The budget that it adds to.</summary>
    public required Budget Budget { get; init; }

    /// <summary>The one value of a template that it is for, such as <c>user=alice</c>; null for every value, and for a plain budget.</summary>
    public string? Key { get; init; }

    /// <summary>How much is allowed on top, in the unit of the budget.</summary>
    public required BudgetAmount Amount { get; init; }

    /// <summary>From when on; inclusive, UTC.</summary>
    public required DateTimeOffset From { get; init; }

    /// <summary>Until when; exclusive, UTC. What was spent by then stays spent.</summary>
    public required DateTimeOffset Until { get; init; }

    /// <summary>Who granted it.</summary>
    public required string By { get; init; }

    /// <summary>Why; null when nothing was said.</summary>
    public string? Note { get; init; }

    /// <summary>Whether it holds at an instant.</summary>
    public bool Holds(DateTimeOffset at) => From <= at && at < Until;
}
