namespace LlmCostCache.AI;

/// <summary>The span of time that a budget's limit is for.</summary>
public enum BudgetPeriod
{
    /// <summary>Each call by itself.</summary>
    PerCall,

    /// <summary>A minute of the clock.</summary>
    Minute,

    /// <summary>An hour of the clock.</summary>
    Hour,

    /// <summary>A calendar day in the configured zone.</summary>
    Day,

    /// <summary>A week in the configured zone, from the configured first day.</summary>
    Week,

    /// <summary>A calendar month in the configured zone.</summary>
    Month,

    /// <summary>Three calendar months in the configured zone, counted from the first month of the fiscal year.</summary>
    Quarter,

    /// <summary>Twelve calendar months in the configured zone, from the first month of the fiscal year.</summary>
    Year,

    /// <summary>Any span of a given length, wherever it begins.</summary>
    Rolling,

    /// <summary>All time.</summary>
    Total,
}
