namespace OpenTelemetry.Trace;

/// <summary>Adds the spans of LlmCostCache.AI to OpenTelemetry.</summary>
public static class LlmCostCacheTracerProviderBuilderExtensions
{
    // The same name as the activity source of LlmCostCache.AI; a test compares the two.
    private const string SourceName = "LlmCostCache.AI";

    /// <summary>
    /// Collects the spans that LlmCostCache.AI makes for calls outside any chat span. Where <c>UseOpenTelemetry()</c> makes chat spans,
    /// cost is written on those; collect them with <c>AddSource("Experimental.Microsoft.Extensions.AI")</c>.
    /// </summary>
    /// <param name="builder">The builder of the tracer provider.</param>
    /// <returns>The same builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static TracerProviderBuilder AddLlmCostCacheInstrumentation(this TracerProviderBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddSource(SourceName);
    }
}
