namespace LlmCostCache.AI;

/// <summary>What was done to a limit.</summary>
public enum BudgetAction
{
    /// <summary>An application gave it in code or configuration.</summary>
    Code,

    /// <summary>It was set at run time.</summary>
    Set,

    /// <summary>What was set at run time was taken away.</summary>
    Remove,

    /// <summary>An amount was granted on top for a while.</summary>
    Grant,

    /// <summary>A grant was taken back.</summary>
    Revoke,

    /// <summary>No application gives it in code any more, and it was taken off the list.</summary>
    Forget,
}
