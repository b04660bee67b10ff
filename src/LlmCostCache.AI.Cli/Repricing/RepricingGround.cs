namespace LlmCostCache.AI.Cli.Repricing;

/// <summary>Why a row got the cost it has after repricing.</summary>
internal enum RepricingGround
{
    /// <summary>Its counts were priced again.</summary>
    Priced,

    /// <summary>No provider was paid: a hit, a shared answer, a refusal, a failure.</summary>
    Unbilled,

    /// <summary>The provider itself said what it cost.</summary>
    ProviderCost,

    /// <summary>It was priced by a price, a discount or a margin that the application sets in code, or that is in no price file any more: llmcost cannot know it.</summary>
    PriceInCode,

    /// <summary>Its cost was not computed from its counts: it was given, or is what a budget had held, or there are no counts.</summary>
    NotFromCounts,
}
