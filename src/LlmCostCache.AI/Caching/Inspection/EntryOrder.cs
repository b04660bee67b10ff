namespace LlmCostCache.AI;

/// <summary>What entries are sorted by; the most remarkable first.</summary>
internal enum EntryOrder
{
    /// <summary>What they saved.</summary>
    Value,

    /// <summary>The oldest first.</summary>
    Age,

    /// <summary>The largest first.</summary>
    Size,

    /// <summary>The most often served first.</summary>
    Hits,

    /// <summary>What expires next first.</summary>
    Expires,
}
