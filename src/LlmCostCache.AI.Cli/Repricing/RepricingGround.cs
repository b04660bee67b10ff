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

    /// <summary>It was priced by a price that the application sets in code, which only the application knows.</summary>
    PriceInCode,

    /// <summary>Its cost was not computed from its counts: it was given, or is what a budget had held, or there are no counts.</summary>
    NotFromCounts,
}
