using LlmCostCache.AI;

namespace Microsoft.Extensions.AI;

/// <summary>Adds <see cref="CostCachingEmbeddingGenerator"/> to a pipeline.</summary>
public static class CostCachingEmbeddingGeneratorBuilderExtensions
{
    /// <summary>Answers texts that were embedded before from the cache, asks only for the others, and meters them.</summary>
    /// <param name="builder">The pipeline.</param>
    /// <param name="costs">Where it is recorded; the service provider's <see cref="LlmCosts"/> when null, else <see cref="LlmCosts.Shared"/>.</param>
    /// <param name="configure">Configures the generator.</param>
    /// <exception cref="InvalidOperationException">At build: the pipeline is metered by another <see cref="LlmCosts"/>.</exception>
    public static EmbeddingGeneratorBuilder<string, Embedding<float>> UseCostCache(this EmbeddingGeneratorBuilder<string, Embedding<float>> builder,
        LlmCosts? costs = null, Action<CostCachingEmbeddingGenerator>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use((inner, services) =>
        {
            var generator = new CostCachingEmbeddingGenerator(inner, UseCostExtensions.Resolve(costs, services));
            configure?.Invoke(generator);
            return generator;
        });
    }
}
