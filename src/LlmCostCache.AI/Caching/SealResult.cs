namespace LlmCostCache.AI;

/// <summary>What became of a sealed frame when it was opened.</summary>
internal enum SealResult
{
    Opened,

    /// <summary>It was changed, cut, copied from elsewhere, or made by somebody who does not know the secret.</summary>
    Broken,

    /// <summary>It is encrypted with a key that is not among ours. It may be a good row of somebody else's, so it stays.</summary>
    UnknownKey,
}
