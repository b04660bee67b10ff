namespace LlmCostCache.AI.Cli.Importing;

/// <summary>The forms in which price lists are published.</summary>
internal enum SourceForm
{
    /// <summary>Our own: <c>{"models": [...]}</c>.</summary>
    LlmCost,

    /// <summary>LiteLLM's <c>model_prices_and_context_window.json</c>: one object by model, dollars per token.</summary>
    LiteLlm,

    /// <summary>genai-prices' <c>data.json</c>: a list of providers, dollars per million.</summary>
    GenAiPrices,

    /// <summary>models.dev's <c>api.json</c>: one object by provider, dollars per million.</summary>
    ModelsDev,
}
