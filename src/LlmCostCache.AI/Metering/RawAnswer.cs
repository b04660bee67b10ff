using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>
/// Reads from a provider's own answer what decides the price and the adapters leave out. Referencing every SDK to read three values is not worth it.
/// </summary>
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

    /// <summary>How much OpenAI wrote to its prompt cache, which the newest models bill at a premium; null when it does not say.</summary>
    /// <param name="raw">A chat completion, a response, or the update of a stream that holds its usage.</param>
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "A method that was trimmed away reads as not said.")]
    public static long? CacheWriteOf(object? raw)
    {
        var details = Get(Get(raw, "Usage") ?? Get(Get(raw, "Response"), "Usage"), "InputTokenDetails");
        if (details?.GetType().Namespace?.StartsWith("OpenAI.", StringComparison.Ordinal) != true)
        {
            return null;
        }

        // The SDK has no property for the count but keeps what it does not know, and writes it back.
        var write = Type.GetType("System.ClientModel.Primitives.ModelReaderWriter, System.ClientModel")?.GetMethods(BindingFlags.Public | BindingFlags.Static)
            .FirstOrDefault(method => method is { Name: "Write", IsGenericMethodDefinition: false }
                && method.GetParameters() is [var first, _] && first.ParameterType == typeof(object));
        try
        {
            if (write?.Invoke(null, [details, null])?.ToString() is not { } json)
            {
                return null;
            }

            using var document = JsonDocument.Parse(json);
            return document.RootElement.TryGetProperty("cache_write_tokens", out var count)
                && count.ValueKind == JsonValueKind.Number && count.TryGetInt64(out var tokens) ? tokens : null;
        }
        catch (Exception exception) when (exception is TargetInvocationException or ArgumentException or JsonException)
        {
            return null;
        }
    }

    /// <summary>A copy of the usage with what the adapter left out; the very same usage when that is nothing.</summary>
    public static UsageDetails Completed(UsageDetails usage, long? write, long? write1h)
    {
        if (write is not > 0 && write1h is not > 0)
        {
            return usage;
        }

        var copy = StreamUsage.Copy(usage);
        copy.AdditionalCounts ??= [];
        if (write is > 0)
        {
            copy.AdditionalCounts.TryAdd("InputTokenDetails.CacheWriteTokenCount", write.Value);
        }

        if (write1h is > 0)
        {
            copy.AdditionalCounts.TryAdd(Hour, write1h.Value);
        }

        return copy;
    }

    // Values such as Anthropic's ApiEnum write themselves as JSON, with quotes.
    private static string? TextOf(object tier)
    {
        try
        {
            return tier.ToString()?.Trim('"') is { Length: > 0 and <= 64 } text ? text.ToLowerInvariant() : null;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return null;
        }
    }

    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "A property that was trimmed away reads as not said.")]
    private static object? Get(object? source, string name)
    {
        try
        {
            return source?.GetType().GetProperty(name, BindingFlags.Public | BindingFlags.Instance)?.GetValue(source);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return null;
        }
    }
}
