namespace LlmCostCache.AI;

/// <summary>What is done with the cost that some providers report with an answer (OpenRouter, Perplexity).</summary>
public enum ProviderCostPolicy
{
    /// <summary>A reported cost above zero is the cost of the call; the price book's own is computed beside it, and rows where the two differ by more than 5 % are flagged <c>provider_cost_differs</c>.</summary>
    Prefer,

    /// <summary>The price book alone decides.</summary>
    Ignore,
}
