namespace LlmCostCache.AI;

/// <summary>What a call would cost at one model, before it is made.</summary>
/// <remarks>
/// The input is counted with the model's own encoding where that is public and bounded by its bytes elsewhere (a token has 1 to 128 bytes, likely four); the
/// answer is what was assumed in <see cref="EstimateOptions"/>. The cost is therefore <see cref="CostCertainty.Bounded"/>, unless the model is free or has no price.
/// </remarks>
public sealed record CallEstimate
{
    /// <summary>The model that was asked about.</summary>
    public required string Model { get; init; }

    /// <summary>The provider whose price was used; null when there is none.</summary>
    public string? Provider { get; init; }

    /// <summary>The id in the price book; null when there is none.</summary>
    public string? PricedAs { get; init; }

    /// <summary>The encoding that counted the input (<c>o200k_base</c>); null when its bytes were the measure.</summary>
    public string? Encoding { get; init; }

    /// <summary>The likely input tokens, with what a chat template puts around messages.</summary>
    public long InputTokens { get; init; }

    /// <summary>The input has at least so many tokens.</summary>
    public long LeastInputTokens { get; init; }

    /// <summary>The input has at most so many tokens.</summary>
    public long MostInputTokens { get; init; }

    /// <summary>Of the likely input, what is taken to come from the provider's prompt cache.</summary>
    public long CachedInputTokens { get; init; }

    /// <summary>The expected output tokens of all answers asked for.</summary>
    public long OutputTokens { get; init; }

    /// <summary>The most output tokens of all answers asked for.</summary>
    public long MostOutputTokens { get; init; }

    /// <summary>The cost of the likely input and the expected output; null when it is not known.</summary>
    public Money? Likely { get; init; }

    /// <summary>The cost between its ends: the least input with the expected output, and the most input with the longest answer. Unknown with the reason.</summary>
    public required CallCost Cost { get; init; }

    /// <summary>How many tokens fit into one request of the model; null when not known.</summary>
    public long? ContextWindow { get; init; }

    /// <summary>What would go wrong: input and answer that do not fit the context window, an answer longer than the model gives.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}
