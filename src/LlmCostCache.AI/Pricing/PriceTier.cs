namespace LlmCostCache.AI;

/// <summary>Rates that hold for the whole request once it is large enough. All conditions that are set must hold.</summary>
/// <param name="AboveInputTokens">The whole prompt, cached tokens included, is strictly above this.</param>
/// <param name="AboveOutputTokens">The whole answer is strictly above this.</param>
/// <param name="WithReasoning">The model thought before it answered.</param>
/// <param name="Rates">The rates that change.</param>
internal sealed record PriceTier(long AboveInputTokens, long AboveOutputTokens, bool WithReasoning, RateCard Rates)
{
    public bool Holds(long inputTokens, long outputTokens, bool reasoned) =>
        CanHold(inputTokens, outputTokens) && (reasoned || !WithReasoning);

    /// <summary>Whether a request of at most so many tokens can come to this tier.</summary>
    public bool CanHold(long inputTokens, long outputTokens) =>
        (AboveInputTokens == 0 || inputTokens > AboveInputTokens) && (AboveOutputTokens == 0 || outputTokens > AboveOutputTokens);
}
