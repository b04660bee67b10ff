namespace LlmCostCache.AI;

/// <summary>What came of asking for the right to ask a question alone.</summary>
internal enum LeaseOutcome
{
    /// <summary>This process asks; the others wait until the lease is released or its time is over.</summary>
    Taken,

    /// <summary>Another process on this machine is asking.</summary>
    HeldByOther,

    /// <summary>The file is broken or busy; whoever wanted to know just asks.</summary>
    Unavailable,
}
