using LlmCostCache.AI;

namespace Microsoft.Extensions.AI;

/// <summary>Adds retries to a pipeline.</summary>
public static class RetryBuilderExtensions
{
    /// <summary>Tries again what may succeed the next time, and meters each try. Put it after <c>UseCostCache()</c> and <c>UseBudget()</c> and before <c>UseRateLimit()</c>.</summary>
    /// <param name="builder">The pipeline.</param>
    /// <param name="costs">Where the tries are recorded; the service provider's <see cref="LlmCosts"/> when null, else <see cref="LlmCosts.Shared"/>.</param>
    /// <param name="configure">Changes a copy of <see cref="LlmCostsOptions.Retries"/>.</param>
    /// <exception cref="InvalidOperationException">At build: the pipeline is metered by another <see cref="LlmCosts"/>.</exception>
    /// <exception cref="ArgumentException">At build: the first wait is longer than the longest.</exception>
    public static ChatClientBuilder UseRetry(this ChatClientBuilder builder, LlmCosts? costs = null, Action<RetryOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use((inner, services) =>
        {
            var resolved = UseCostExtensions.Resolve(costs, services);
            return new RetryingChatClient(inner, resolved, Configured(resolved, configure));
        });
    }

    /// <inheritdoc cref="UseRetry(ChatClientBuilder, LlmCosts?, Action{RetryOptions}?)"/>
    public static ChatClientBuilder UseRetry(this ChatClientBuilder builder, Action<RetryOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return builder.UseRetry(costs: null, configure);
    }

    /// <summary>Tries again what may succeed the next time, and meters each try.</summary>
    /// <inheritdoc cref="UseRetry(ChatClientBuilder, LlmCosts?, Action{RetryOptions}?)"/>
    public static EmbeddingGeneratorBuilder<string, Embedding<float>> UseRetry(this EmbeddingGeneratorBuilder<string, Embedding<float>> builder,
        LlmCosts? costs = null, Action<RetryOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use((inner, services) =>
        {
            var resolved = UseCostExtensions.Resolve(costs, services);
            return new RetryingEmbeddingGenerator(inner, resolved, Configured(resolved, configure));
        });
    }

    /// <inheritdoc cref="UseRetry(EmbeddingGeneratorBuilder{string, Embedding{float}}, LlmCosts?, Action{RetryOptions}?)"/>
    public static EmbeddingGeneratorBuilder<string, Embedding<float>> UseRetry(this EmbeddingGeneratorBuilder<string, Embedding<float>> builder, Action<RetryOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return builder.UseRetry(costs: null, configure);
    }

    private static RetryOptions Configured(LlmCosts costs, Action<RetryOptions>? configure)
    {
        var options = costs.Options.Retries.Copy();
        configure?.Invoke(options);
        return options;
    }
}
