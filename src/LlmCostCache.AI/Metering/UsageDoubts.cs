namespace LlmCostCache.AI;

/// <summary>What a usage leaves open that changes the price. A doubt makes a cost bounded, never a guess.</summary>
[Flags]
internal enum UsageDoubts
{
    None = 0,

    /// <summary>How much input there was: the provider's count cannot be true.</summary>
    Input = 1,

    /// <summary>How much output there was: the provider's count cannot be true.</summary>
    Output = 2,

    /// <summary>How much of the input was cached or written: the provider's count cannot be true.</summary>
    InputParts = 4,

    /// <summary>How long what was written to the cache is kept, which decides its price.</summary>
    WriteLifetime = 8,

    /// <summary>In which tier the request was served.</summary>
    ServiceTier = 16,

    /// <summary>What the tokens are that the provider's total has beyond its counts.</summary>
    Total = 32,

    /// <summary>How much of the output was reasoning.</summary>
    OutputParts = 64,
}
