using LlmCostCache.AI;

namespace Microsoft.Extensions.AI;

/// <summary>Adds <see cref="BudgetEmbeddingGenerator"/> to a pipeline.</summary>
public static class BudgetEmbeddingGeneratorBuilderExtensions
{
    /// <summary>Holds every embedding request to the budgets of <paramref name="costs"/>, and meters it.</summary>
    /// <param name="builder">The pipeline.</param>
    /// <param name="costs">Where it is recorded; the service provider's <see cref="LlmCosts"/> when null, else <see cref="LlmCosts.Shared"/>.</param>
    /// <param name="configure">Configures the generator.</param>
    /// <exception cref="InvalidOperationException">At build: the pipeline is metered by another <see cref="LlmCosts"/>.</exception>
    public static EmbeddingGeneratorBuilder<string, Embedding<float>> UseBudget(this EmbeddingGeneratorBuilder<string, Embedding<float>> builder,
        LlmCosts? costs = null, Action<BudgetEmbeddingGenerator>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use((inner, services) =>
        {
            var generator = new BudgetEmbeddingGenerator(inner, UseCostExtensions.Resolve(costs, services));
            configure?.Invoke(generator);
            return generator;
        });
    }
}
