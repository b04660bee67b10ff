namespace LlmCostCache.AI;

/// <summary>What a budget counts.</summary>
public enum BudgetUnit
{
    /// <summary>US dollars.</summary>
    Usd,

    /// <summary>Tokens, all kinds of input and output together.</summary>
    Tokens,

    /// <summary>Requests sent to a provider; each retry is one.</summary>
    Requests,
}
