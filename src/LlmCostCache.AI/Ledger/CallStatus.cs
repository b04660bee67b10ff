namespace LlmCostCache.AI;

/// <summary>How an attempt ended.</summary>
public enum CallStatus
{
    /// <summary>The provider answered.</summary>
    Ok,

    /// <summary>Answered from the cache; no provider was asked.</summary>
    Cached,

    /// <summary>Shared the answer of an identical call that was under way.</summary>
    Coalesced,

    /// <summary>Refused by a budget; nothing was sent.</summary>
    Blocked,

    /// <summary>Failed, and certainly not billed.</summary>
    Failed,

    /// <summary>A stream that was cut or abandoned; billed for what had been produced, estimated.</summary>
    Incomplete,

    /// <summary>Outcome not known (timeout, connection lost, process killed); assumed to be billed.</summary>
    Assumed,
}
