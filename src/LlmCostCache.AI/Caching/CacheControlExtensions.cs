using LlmCostCache.AI;

namespace Microsoft.Extensions.AI;

/// <summary>Lets one call say how it uses the cache.</summary>
public static class CacheControlExtensions
{
    /// <summary>Sets how this call uses the cache; calling it again adds to what was set before.</summary>
    /// <param name="options">The options of the call. They are changed and returned.</param>
    /// <param name="configure">Says what to do, for example <c>c => c.Refresh().Tag("prompt-v7")</c>.</param>
    /// <returns><paramref name="options"/>.</returns>
    public static ChatOptions WithCache(this ChatOptions options, Action<CacheControl> configure)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(configure);
        options.AdditionalProperties = CacheControlCarrier.Put(options.AdditionalProperties, configure);
        return options;
    }

    /// <summary>Sets how this call uses the cache; calling it again adds to what was set before.</summary>
    /// <param name="options">The options of the call. They are changed and returned.</param>
    /// <param name="configure">Says what to do, for example <c>c => c.Bypass()</c>.</param>
    /// <returns><paramref name="options"/>.</returns>
    public static EmbeddingGenerationOptions WithCache(this EmbeddingGenerationOptions options, Action<CacheControl> configure)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(configure);
        options.AdditionalProperties = CacheControlCarrier.Put(options.AdditionalProperties, configure);
        return options;
    }
}
