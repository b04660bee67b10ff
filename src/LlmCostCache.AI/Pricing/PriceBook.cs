namespace LlmCostCache.AI;

/// <summary>Dated prices of models, and how the names that providers report are matched to them.</summary>
public sealed class PriceBook
{
    private PriceBook()
    {
    }

    /// <summary>The prices inside the package alone.</summary>
    public static PriceBook BuiltIn { get; } = new();

    /// <summary>What the book knows about a model; null when it does not know it, or when several models of that name differ.</summary>
    public ModelFacts? Find(string? provider, string? model, DateTimeOffset at, string? host = null) => throw new NotImplementedException();

    /// <summary>Prices what was used. An unknown model gets an unknown cost with the reason, never zero.</summary>
    public PricedUsage Price(PriceQuery query) => throw new NotImplementedException();

    /// <summary>
    /// The most that a request can cost, rounded up: every input token at the dearest input rate that can apply, every output token at the dearest output
    /// rate, over all tiers and all times of day, in the given service tier or, when it is null, in the dearest one that the caller could not rule out (standard or priority);
    /// null when the price is not known.
    /// </summary>
    internal Money? Ceiling(string? provider, string? model, DateTimeOffset at, long inputTokens, long outputTokens, string? host = null, string? serviceTier = null) => throw new NotImplementedException();

    /// <summary>
    /// Layers the sources, strongest first: code, the JSON in <c>LLMCOSTCACHE_PRICES</c>, <c>prices.json</c> in the home directory, the built-in book.
    /// A wrong entry is an error that names source and line.
    /// </summary>
    /// <exception cref="LlmCostException">A source of prices cannot be read.</exception>
    internal static PriceBook Load(LlmCostsOptions options, string? homeDirectory, Func<string, string?>? environment = null) => throw new NotImplementedException();
}
