using LlmCostCache.AI;

namespace Microsoft.Extensions.AI;

/// <summary>Adds budgets to a chat client's pipeline.</summary>
public static class BudgetChatClientBuilderExtensions
{
    /// <summary>Holds every call to the budgets of <paramref name="costs"/>, and meters it. Without budgets it meters and reserves nothing.</summary>
    /// <param name="builder">The pipeline.</param>
    /// <param name="costs">Whose budgets; the service provider's <see cref="LlmCosts"/> when null, else <see cref="LlmCosts.Shared"/>.</param>
    /// <param name="configure">Configures the client.</param>
    /// <exception cref="InvalidOperationException">At build: the pipeline is metered by another <see cref="LlmCosts"/>.</exception>
    public static ChatClientBuilder UseBudget(this ChatClientBuilder builder, LlmCosts? costs = null, Action<BudgetChatClient>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use((inner, services) =>
        {
            var client = new BudgetChatClient(inner, UseCostExtensions.Resolve(costs, services));
            configure?.Invoke(client);
            return client;
        });
    }
}
