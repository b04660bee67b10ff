namespace LlmCostCache.AI;

/// <summary>What a runaway guard looks at.</summary>
public enum RunawayRule
{
    /// <summary>What a run has cost.</summary>
    Cost,

    /// <summary>How many requests a run has made.</summary>
    Calls,

    /// <summary>How often in a row the model asked for the same tools with the same arguments.</summary>
    RepeatedToolRounds,
}
