using System.Diagnostics.Metrics;
using LlmCostCache.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers <see cref="LlmCosts"/>.</summary>
public static class LlmCostCacheServiceCollectionExtensions
{
    /// <summary>
    /// Registers one <see cref="LlmCosts"/> that <c>UseCostCache()</c>, <c>UseBudget()</c> and <c>UseUsageMetering()</c> find. Options are checked when the host
    /// starts; the container's logger factory, meter factory and clock are used where none is set.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Changes the defaults.</param>
    public static IServiceCollection AddLlmCostCache(this IServiceCollection services, Action<LlmCostsOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = services.AddOptionsWithValidateOnStart<LlmCostsOptions>();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<LlmCostsOptions>, LlmCostsOptionsValidator>());
        services.TryAddSingleton(Open);
        return services;
    }

    /// <summary>Registers one <see cref="LlmCosts"/> whose options come from a section of the configuration.</summary>
    /// <param name="services">The services.</param>
    /// <param name="section">
    /// The section, for example <c>LlmCostCache</c>: the properties of <see cref="LlmCostsOptions"/> that are not objects of the application, such as <c>HomeDirectory</c>, <c>TimeZone</c> (an IANA id), <c>WeekStart</c>, <c>FiscalYearStart</c>, <c>Currency</c>, <c>CacheNamespace</c>,
    /// <c>MemoryCacheBytes</c>, <c>DiskCacheBytes</c>, <c>CacheSecret</c>, <c>CacheEncryptionKeys</c> (a list, Base64), <c>ReservationTimeout</c>, <c>ReservationWait</c>, <c>ReservationsSurvivePowerLoss</c>, <c>CostAttributes</c>,
    /// <c>ModelAliases</c>, <c>BudgetWebhooks</c>, and <c>Budgets</c>: a list of <c>Period</c>, <c>Span</c> (of the period <c>Rolling</c>), <c>Limit</c>, <c>Unit</c>, <c>Tenant</c>, <c>Project</c>, <c>Team</c>, <c>User</c>, <c>Feature</c>,
    /// <c>Session</c>, <c>Agent</c> (<c>*</c> for each), <c>Model</c>, <c>Tag</c>, <c>Mode</c>, <c>FallBackTo</c>, <c>WaitFor</c>, <c>NotifyAt</c>, <c>Name</c>. <c>RateLimiting</c>: <c>MaxWait</c>, <c>MaxWaiting</c> and <c>Limits</c>, a list of <c>Unit</c>, <c>Limit</c>, <c>Per</c>,
    /// <c>Algorithm</c>, <c>Burst</c>, <c>AcrossModels</c>, <c>Name</c> and the scopes of a budget. <c>Retries</c> and <c>Runaway</c>: the properties of
    /// <see cref="RetryOptions"/> and <see cref="RunawayOptions"/>.
    /// </param>
    /// <param name="configure">Changes what the section says.</param>
    /// <exception cref="OptionsValidationException">When the host starts: a key is unknown or a value cannot be read.</exception>
    public static IServiceCollection AddLlmCostCache(this IServiceCollection services, IConfiguration section, Action<LlmCostsOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(section);
        services.AddOptions<LlmCostsOptions>().Configure(options => LlmCostsConfiguration.Bind(section, options));
        return services.AddLlmCostCache(configure);
    }

    private static LlmCosts Open(IServiceProvider services)
    {
        var options = services.GetRequiredService<IOptions<LlmCostsOptions>>().Value;
        options.LoggerFactory ??= services.GetService<ILoggerFactory>();
        options.MeterFactory ??= services.GetService<IMeterFactory>();
        if (ReferenceEquals(options.TimeProvider, TimeProvider.System) && services.GetService<TimeProvider>() is { } clock)
        {
            options.TimeProvider = clock;
        }

        foreach (var observer in services.GetServices<IBudgetObserver>().Except(options.BudgetObservers))
        {
            options.BudgetObservers.Add(observer);
        }

        return LlmCosts.Open(options);
    }
}
