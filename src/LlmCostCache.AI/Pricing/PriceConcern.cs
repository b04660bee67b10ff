namespace LlmCostCache.AI;

/// <summary>What makes a price implausible.</summary>
internal enum PriceConcern
{
    /// <summary>Larger or smaller by a power of ten, or beyond what anything costs.</summary>
    UnitSlip,

    /// <summary>More than five times dearer or cheaper than the price that is known.</summary>
    Move,

    /// <summary>Nothing where something was paid, or something where nothing was.</summary>
    Free,

    /// <summary>Input from the provider's cache dearer than fresh input.</summary>
    CachedDearerThanInput,

    /// <summary>Output for less than half of what input costs.</summary>
    CheapOutput,

    /// <summary>Negative, a text, not a number, or too small or large to be counted.</summary>
    NotAPrice,

    /// <summary>The same model twice with two prices.</summary>
    Duplicate,

    /// <summary>In another currency than the price that is known.</summary>
    Currency,
}
