namespace LlmCostCache.AI;

/// <summary>How a part of one question compares with that of another.</summary>
internal enum PartChange
{
    /// <summary>Both have it, and it says something else.</summary>
    Differs,

    /// <summary>Only the question that is asked has it.</summary>
    OnlyAsked,

    /// <summary>Only the question that was stored has it.</summary>
    OnlyStored,

    /// <summary>Both have the same, in another place; the order of messages and tools counts.</summary>
    Moved,
}
