using LlmCostCache.AI;

namespace Microsoft.Extensions.AI;

/// <summary>Adds metering to a chat client's pipeline.</summary>
public static class UsageMeteringChatClientBuilderExtensions
{
    /// <summary>Records every request to the provider: usage, price, one row in the ledger.</summary>
    /// <param name="builder">The pipeline.</param>
    /// <param name="costs">Where calls are recorded; the service provider's <see cref="LlmCosts"/> when null, else <see cref="LlmCosts.Shared"/>.</param>
    /// <param name="configure">Configures the client; when the pipeline is metered further in already, the one that is there.</param>
    /// <exception cref="InvalidOperationException">At build: the pipeline is metered by another <see cref="LlmCosts"/>.</exception>
    public static ChatClientBuilder UseUsageMetering(this ChatClientBuilder builder, LlmCosts? costs = null, Action<UsageMeteringChatClient>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use((inner, services) =>
        {
            var metered = UseCostExtensions.Metered(inner, UseCostExtensions.Resolve(costs, services));
            configure?.Invoke(metered.GetRequiredService<UsageMeteringChatClient>());
            return metered;
        });
    }
}
