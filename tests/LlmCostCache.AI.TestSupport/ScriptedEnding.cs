namespace LlmCostCache.AI;

/// <summary>How an answer of the scripted endpoint ends.</summary>
public enum ScriptedEnding
{
    /// <summary>In order.</summary>
    Complete,

    /// <summary>The connection is closed before the answer is whole. What was sent before arrives.</summary>
    Cut,

    /// <summary>The connection stays open and nothing more comes.</summary>
    Silence,
}
