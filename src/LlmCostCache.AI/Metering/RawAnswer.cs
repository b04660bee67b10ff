using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Reads from a provider's own answer what decides the price and the adapters leave out. Referencing every SDK to read two values is not worth it.</summary>
internal static class RawAnswer
{
    private const string Hour = "Ephemeral1hInputTokens";

    /// <summary>The tier the provider says it served the request in; null when it does not say.</summary>
    /// <param name="raw">A chat completion, a response, a message of Anthropic's, or the update of a stream that holds one.</param>
    public static string? ServiceTierOf(object? raw) =>
        (Get(raw, "ServiceTier") ?? Get(Get(raw, "Response"), "ServiceTier") ?? Get(Get(raw, "Usage"), "ServiceTier")) is { } tier ? TextOf(tier) : null;

    /// <summary>How much of Anthropic's cache writes is for an hour, which costs more than the five minutes of the others; null when it does not say.</summary>
    /// <param name="raw">A message, or the event that starts one.</param>
    public static long? CacheWrite1hOf(object? raw)
    {
        var start = Get(raw, "Value") ?? raw;
        var message = Get(start, "Message") ?? start;
        return Get(Get(Get(message, "Usage"), "CacheCreation"), Hour) as long?;
    }

    /// <summary>A copy of the usage that also says how much was written for an hour; the very same usage when nothing was.</summary>
    public static UsageDetails WithCacheWrite1h(UsageDetails usage, long? tokens)
    {
        if (tokens is not > 0)
        {
            return usage;
        }

        var copy = StreamUsage.Copy(usage);
        (copy.AdditionalCounts ??= [])[Hour] = tokens.Value;
        return copy;
    }

    // Values such as Anthropic's ApiEnum write themselves as JSON, with quotes.
    private static string? TextOf(object tier) => tier.ToString()?.Trim('"') is { Length: > 0 and <= 64 } text ? text.ToLowerInvariant() : null;

    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "A property that was trimmed away reads as not said.")]
    private static object? Get(object? source, string name)
    {
        try
        {
            return source?.GetType().GetProperty(name, BindingFlags.Public | BindingFlags.Instance)?.GetValue(source);
        }
        catch (Exception exception) when (exception is TargetInvocationException or AmbiguousMatchException or TargetParameterCountException)
        {
            return null;
        }
    }
}
