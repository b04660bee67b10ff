using LlmCostCache.AI;

namespace Microsoft.Extensions.AI;

/// <summary>Adds a runaway guard to a pipeline.</summary>
public static class RunawayGuardBuilderExtensions
{
    /// <summary>Stops runs that cost too much, make too many requests or go round in circles, and meters their calls. Put it first, before <c>UseFunctionInvocation()</c>.</summary>
    /// <param name="builder">The pipeline.</param>
    /// <param name="costs">Who keeps count; the service provider's <see cref="LlmCosts"/> when null, else <see cref="LlmCosts.Shared"/>.</param>
    /// <param name="configure">Changes a copy of <see cref="LlmCostsOptions.Runaway"/>.</param>
    /// <exception cref="InvalidOperationException">At build: the pipeline is metered by another <see cref="LlmCosts"/>.</exception>
    public static ChatClientBuilder UseRunawayGuard(this ChatClientBuilder builder, LlmCosts? costs = null, Action<RunawayOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Use((inner, services) =>
        {
            var resolved = UseCostExtensions.Resolve(costs, services);
            var options = resolved.Options.Runaway.Copy();
            configure?.Invoke(options);
            return new RunawayGuardChatClient(inner, resolved, options);
        });
    }

    /// <inheritdoc cref="UseRunawayGuard(ChatClientBuilder, LlmCosts?, Action{RunawayOptions}?)"/>
    public static ChatClientBuilder UseRunawayGuard(this ChatClientBuilder builder, Action<RunawayOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return builder.UseRunawayGuard(costs: null, configure);
    }
}
