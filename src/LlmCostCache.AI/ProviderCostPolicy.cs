namespace LlmCostCache.AI;

/// <summary>What is done with the cost that some providers report with an answer (OpenRouter, Perplexity).</summary>
public enum ProviderCostPolicy
{
    /// <summary>
    /// A reported cost above zero is the cost of the call where the provider's invoice is the sum of such figures: at OpenRouter and Perplexity, by the host that was
    /// asked. A figure below a tenth of the price book's is not believed. Any other server's figure only counts where the price book has no price, or a price of
    /// zero; without a price it does not count either when a budget that refuses calls has let the call pass: what was held is booked. Rows where figure and price
    /// differ by more than 5 % are flagged <c>provider_cost_differs</c>.
    /// </summary>
    Prefer,

    /// <summary>The price book alone decides.</summary>
    Ignore,

    /// <summary>
    /// Every reported cost above zero and up to 100,000 US dollars is the cost of the call, whoever reports it and however far it is from the price book's: for a gateway of
    /// your own. A server that reports too little then gets past a budget.
    /// </summary>
    Trust,
}
