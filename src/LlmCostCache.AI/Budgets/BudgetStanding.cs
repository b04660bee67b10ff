namespace LlmCostCache.AI;

/// <summary>A budget that holds: its limit, where that comes from, and where it stands.</summary>
public sealed record BudgetStanding
{
    internal BudgetStanding()
    {
    }

    /// <summary>The budget with the limit and the mode that hold.</summary>
    public required Budget Budget { get; init; }

    /// <summary>The limit that code or configuration gives it; null when it is only set at run time.</summary>
    public BudgetAmount? LimitInCode { get; init; }

    /// <summary>
    /// Since when code or configuration gives it: from the first start of an application that did, or the first call that was held to it. No later start and no other limit changes it; for one that
    /// was forgotten it begins anew. Null when none gives it.
    /// </summary>
    public DateTimeOffset? GivenSince { get; init; }

    /// <summary>When an application that gives it in code or configuration last started; null when none does. One that has run since then gives it too.</summary>
    public DateTimeOffset? LastGivenAt { get; init; }

    /// <summary>Whether the limit was set at run time, which is stronger than code.</summary>
    public bool IsSetAtRunTime { get; init; }

    /// <summary>When it was set; null when it was not set at run time.</summary>
    public DateTimeOffset? SetAt { get; init; }

    /// <summary>Who set it; null when it was not set at run time.</summary>
    public string? SetBy { get; init; }

    /// <summary>Why; null when nothing was said.</summary>
    public string? Note { get; init; }

    /// <summary>What is granted on top now, or will be.</summary>
    public required IReadOnlyList<BudgetGrant> Grants { get; init; }

    /// <summary>Where it stands: one entry for a plain budget, one for each value that a template has seen in its period, none for a limit of each call.</summary>
    public required IReadOnlyList<BudgetUse> Uses { get; init; }
}
