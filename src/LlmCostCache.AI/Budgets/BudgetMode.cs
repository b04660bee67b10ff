namespace LlmCostCache.AI;

/// <summary>What a budget does about a call that may not fit.</summary>
public enum BudgetMode
{
    /// <summary>Reserves the worst case before a byte is sent and refuses what does not fit: the limit is never exceeded.</summary>
    Strict,

    /// <summary>Reserves an estimate times 1.25 and refuses what does not fit: calls under way can overrun the limit by the error of the estimate.</summary>
    Balanced,

    /// <summary>Lets every call pass and says so when the limit is near or crossed.</summary>
    Warn,
}
