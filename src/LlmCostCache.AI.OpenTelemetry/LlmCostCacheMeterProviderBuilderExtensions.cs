namespace OpenTelemetry.Metrics;

/// <summary>Adds the metrics of LlmCostCache.AI to OpenTelemetry.</summary>
public static class LlmCostCacheMeterProviderBuilderExtensions
{
    // The same name as the meter of LlmCostCache.AI; a test compares the two.
    private const string MeterName = "LlmCostCache.AI";

    /// <summary>Collects what LlmCostCache.AI measures: cost, savings, tokens, cache requests and budgets.</summary>
    /// <param name="builder">The builder of the meter provider.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static MeterProviderBuilder AddLlmCostCacheInstrumentation(this MeterProviderBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddMeter(MeterName);
    }
}
