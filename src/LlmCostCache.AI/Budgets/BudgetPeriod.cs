namespace LlmCostCache.AI;

/// <summary>The span of time that a budget's limit is for.</summary>
public enum BudgetPeriod
{
    /// <summary>Each call by itself.</summary>
    PerCall,

    /// <summary>An hour of the clock.</summary>
    Hour,

    /// <summary>A calendar day in the configured zone.</summary>
    Day,

    /// <summary>A week in the configured zone, from the configured first day.</summary>
    Week,

    /// <summary>A calendar month in the configured zone.</summary>
    Month,

    /// <summary>All time.</summary>
    Total,
}
