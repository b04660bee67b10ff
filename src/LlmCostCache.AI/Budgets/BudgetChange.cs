namespace LlmCostCache.AI;

/// <summary>One line of the history of limits: who changed what, when, from what to what.</summary>
public sealed record BudgetChange
{
    internal BudgetChange()
    {
    }

    /// <summary>When, by the clock of the ledger.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The budget, with the limit that it has in code, or the one it was first given at run time.</summary>
    public required Budget Budget { get; init; }

    /// <summary>What was done.</summary>
    public required BudgetAction Action { get; init; }

    /// <summary>What was allowed, or granted, before; null when nothing was.</summary>
    public BudgetAmount? Old { get; init; }

    /// <summary>What is allowed, or granted, since; null when nothing is.</summary>
    public BudgetAmount? New { get; init; }

    /// <summary>The number of the grant; null when it is about the limit.</summary>
    public long? GrantId { get; init; }

    /// <summary>The one value of a template that a grant is for; null for every one.</summary>
    public string? Key { get; init; }

    /// <summary>From when on a grant holds.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Until when a grant holds.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Who did it.</summary>
    public required string By { get; init; }

    /// <summary>Why; null when nothing was said.</summary>
    public string? Note { get; init; }
}
