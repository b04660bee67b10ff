using LlmCostCache.AI;

namespace Microsoft.Extensions.AI;

/// <summary>Adds the response cache to a chat client's pipeline.</summary>
public static class CostCachingChatClientBuilderExtensions
{
    /// <summary>Answers a question that was answered before from the cache, lets identical calls share one request, and meters the rest.</summary>
    /// <param name="builder">The pipeline.</param>
    /// <param name="costs">Whose cache; the service provider's <see cref="LlmCosts"/> when null, else <see cref="LlmCosts.Shared"/>.</param>
    /// <param name="configure">Configures the client.</param>
    /// <exception cref="InvalidOperationException">At build: the pipeline is metered by another <see cref="LlmCosts"/>.</exception>
    public static ChatClientBuilder UseCostCache(this ChatClientBuilder builder, LlmCosts? costs = null, Action<CostCachingChatClient>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use((inner, services) =>
        {
            var client = new CostCachingChatClient(inner, UseCostExtensions.Resolve(costs, services));
            configure?.Invoke(client);
            return client;
        });
    }

    /// <summary>Adds cache, budgets and metering in the right order.</summary>
    /// <inheritdoc cref="UseCostCache(ChatClientBuilder, LlmCosts?, Action{CostCachingChatClient}?)"/>
    public static ChatClientBuilder UseLlmCost(this ChatClientBuilder builder, LlmCosts? costs = null) =>
        builder.UseCostCache(costs).UseBudget(costs).UseUsageMetering(costs);
}
