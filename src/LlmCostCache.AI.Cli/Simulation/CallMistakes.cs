namespace LlmCostCache.AI.Cli.Simulation;

/// <summary>What goes wrong with a call of a made-up ledger; each is named after the check of <c>llmcost doctor</c> that looks for it.</summary>
[Flags]
internal enum CallMistakes
{
    None = 0,

    /// <summary>The provider turns the call away once, and the pipeline tries again.</summary>
    Retries = 1,

    /// <summary>The call is sent, and no answer comes.</summary>
    LostAnswers = 2,

    /// <summary>Nobody said for whom it is.</summary>
    NoScope = 4,

    /// <summary>It belongs to no session.</summary>
    NoSession = 8,

    /// <summary>The answer comes without counts.</summary>
    NoUsage = 16,

    /// <summary>Its prompt is many times as long as it was in the trace.</summary>
    OversizedContexts = 32,
}
