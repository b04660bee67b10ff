using LlmCostCache.AI;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.SemanticKernel;

/// <summary>Adds cost attribution, metering, cached functions and budget stops to a kernel.</summary>
public static class LlmCostKernelExtensions
{
    /// <summary>
    /// Files every model call of the kernel under its plugin and function, records calls that no chat client of ours meters, stops when a budget is spent, and
    /// answers the chosen prompt functions from the cache.
    /// </summary>
    /// <remarks>
    /// <para>A call is counted once: what the kernel's chat client records by itself (<c>UseUsageMetering()</c>, <c>UseBudget()</c>, <c>UseCostCache()</c>) the filters
    /// only attribute. Without such a client they read the usage that the service reports; where it reports none, the cost is bounded from the length of the texts.</para>
    /// <para>Filters cannot reserve: before a prompt function runs they only refuse when a strict or balanced budget has nothing left, so the last call can overrun.
    /// Inside automatic function calling, where the kernel swallows exceptions, they end the loop, and the function that started it throws the
    /// <see cref="BudgetExceededException"/>. For a promise that holds to the cent put <c>UseBudget()</c> into the chat client. What is not invoked as a kernel function
    /// (a chat service that is asked directly, an agent) is seen by no function filter: only its rounds of automatic function calling are.</para>
    /// <para>Adding the filters again counts nothing twice; <paramref name="configure"/> then changes the options that are there.</para>
    /// </remarks>
    /// <param name="builder">The kernel's builder.</param>
    /// <param name="costs">
    /// Where calls are recorded; the service provider's <see cref="LlmCosts"/> when null, else that of the kernel's chat client, else <see cref="LlmCosts.Shared"/>.
    /// </param>
    /// <param name="configure">Chooses cached functions and attribution.</param>
    /// <returns><paramref name="builder"/>.</returns>
    /// <exception cref="InvalidOperationException">The filters were added before with another <see cref="LlmCosts"/>.</exception>
    public static IKernelBuilder AddLlmCostFilters(this IKernelBuilder builder, LlmCosts? costs = null, Action<LlmCostFilterOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var services = builder.Services;
        var filter = services.FirstOrDefault(service => service.ServiceType == typeof(KernelCostFilter))?.ImplementationInstance as KernelCostFilter;
        if (filter is null)
        {
            filter = new KernelCostFilter();
            services.AddSingleton(filter);
            services.AddSingleton<IFunctionInvocationFilter>(filter);
            services.AddSingleton<IAutoFunctionInvocationFilter>(filter);

            // The outermost one sees the prompt, and whether another filter answered it, when all others are done.
            services.Insert(0, ServiceDescriptor.Singleton<IPromptRenderFilter>(filter));
        }

        filter.Configure(costs, configure);
        return builder;
    }

    /// <inheritdoc cref="AddLlmCostFilters(IKernelBuilder, LlmCosts?, Action{LlmCostFilterOptions}?)"/>
    /// <param name="kernel">The kernel; its clones are metered too.</param>
    /// <param name="costs">
    /// Where calls are recorded; the <see cref="LlmCosts"/> among the kernel's services when null, else that of its chat client, else <see cref="LlmCosts.Shared"/>.
    /// </param>
    /// <param name="configure">Chooses cached functions and attribution.</param>
    /// <returns><paramref name="kernel"/>.</returns>
    public static Kernel AddLlmCostFilters(this Kernel kernel, LlmCosts? costs = null, Action<LlmCostFilterOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        var filter = kernel.FunctionInvocationFilters.OfType<KernelCostFilter>().FirstOrDefault();
        if (filter is null)
        {
            filter = new KernelCostFilter();
            kernel.FunctionInvocationFilters.Add(filter);
            kernel.AutoFunctionInvocationFilters.Add(filter);
            kernel.PromptRenderFilters.Insert(0, filter);
        }

        filter.Configure(costs, configure);
        return kernel;
    }
}
