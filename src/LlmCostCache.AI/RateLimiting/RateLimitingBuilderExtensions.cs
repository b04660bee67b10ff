using LlmCostCache.AI;

namespace Microsoft.Extensions.AI;

/// <summary>Adds rate limits to a pipeline.</summary>
public static class RateLimitingBuilderExtensions
{
    /// <summary>Makes calls wait for their turn, and meters them. Put it after <c>UseCostCache()</c>, <c>UseBudget()</c> and <c>UseRetry()</c>.</summary>
    /// <param name="builder">The pipeline.</param>
    /// <param name="costs">Who keeps count; the service provider's <see cref="LlmCosts"/> when null, else <see cref="LlmCosts.Shared"/>.</param>
    /// <param name="configure">Changes a copy of <see cref="LlmCostsOptions.RateLimiting"/>, with the limits that are in it.</param>
    /// <exception cref="InvalidOperationException">At build: the pipeline is metered by another <see cref="LlmCosts"/>.</exception>
    public static ChatClientBuilder UseRateLimit(this ChatClientBuilder builder, LlmCosts? costs = null, Action<RateLimitOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use((inner, services) =>
        {
            var resolved = UseCostExtensions.Resolve(costs, services);
            return new RateLimitingChatClient(inner, resolved, Configured(resolved, configure));
        });
    }

    /// <inheritdoc cref="UseRateLimit(ChatClientBuilder, LlmCosts?, Action{RateLimitOptions}?)"/>
    public static ChatClientBuilder UseRateLimit(this ChatClientBuilder builder, Action<RateLimitOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return builder.UseRateLimit(costs: null, configure);
    }

    /// <summary>Makes embedding requests wait for their turn, and meters them.</summary>
    /// <inheritdoc cref="UseRateLimit(ChatClientBuilder, LlmCosts?, Action{RateLimitOptions}?)"/>
    public static EmbeddingGeneratorBuilder<string, Embedding<float>> UseRateLimit(this EmbeddingGeneratorBuilder<string, Embedding<float>> builder,
        LlmCosts? costs = null, Action<RateLimitOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use((inner, services) =>
        {
            var resolved = UseCostExtensions.Resolve(costs, services);
            return new RateLimitingEmbeddingGenerator(inner, resolved, Configured(resolved, configure));
        });
    }

    /// <inheritdoc cref="UseRateLimit(EmbeddingGeneratorBuilder{string, Embedding{float}}, LlmCosts?, Action{RateLimitOptions}?)"/>
    public static EmbeddingGeneratorBuilder<string, Embedding<float>> UseRateLimit(this EmbeddingGeneratorBuilder<string, Embedding<float>> builder, Action<RateLimitOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return builder.UseRateLimit(costs: null, configure);
    }

    private static RateLimitOptions Configured(LlmCosts costs, Action<RateLimitOptions>? configure)
    {
        var options = costs.Options.RateLimiting.Copy();
        configure?.Invoke(options);
        return options;
    }
}
