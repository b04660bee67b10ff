using LlmCostCache.AI;

namespace Microsoft.Extensions.AI;

/// <summary>Adds <see cref="UsageMeteringEmbeddingGenerator"/> to a pipeline.</summary>
public static class UsageMeteringEmbeddingGeneratorBuilderExtensions
{
    /// <summary>Records every embedding request: usage, price, one row in the ledger.</summary>
    /// <param name="builder">The pipeline.</param>
    /// <param name="costs">Where it is recorded; the service provider's <see cref="LlmCosts"/> when null, else <see cref="LlmCosts.Shared"/>.</param>
    /// <param name="configure">Configures the generator.</param>
    /// <exception cref="InvalidOperationException">At build: the pipeline is metered by another <see cref="LlmCosts"/>.</exception>
    public static EmbeddingGeneratorBuilder<string, Embedding<float>> UseUsageMetering(this EmbeddingGeneratorBuilder<string, Embedding<float>> builder,
        LlmCosts? costs = null, Action<UsageMeteringEmbeddingGenerator>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use((inner, services) =>
        {
            var metered = EmbeddingOptions.Metered(inner, UseCostExtensions.Resolve(costs, services));
            configure?.Invoke(metered.GetRequiredService<UsageMeteringEmbeddingGenerator>());
            return metered;
        });
    }
}
