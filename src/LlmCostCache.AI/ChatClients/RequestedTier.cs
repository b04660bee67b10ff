using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>The service tier that a caller asks for.</summary>
internal static class RequestedTier
{
    /// <summary>The tier that can be seen in the options, in lower case; <c>fast</c> for Anthropic's fast mode, which has a price like a tier. Null when none is asked for.</summary>
    public static string? Of(ChatOptions? options) =>
        options?.AdditionalProperties is not { } properties ? null
        : TextOf(properties, "speed") == "fast" ? "fast"
        : TextOf(properties, "service_tier");

    /// <summary>The tier that an amount must be held for: raw options, which nobody can see into, can ask for any.</summary>
    public static string? ToHoldFor(ChatOptions? options) => options?.RawRepresentationFactory is null ? Of(options) : PriceBook.AnyTier;

    private static string? TextOf(AdditionalPropertiesDictionary properties, string name) => properties.TryGetValue(name, out var value) ? RawProperties.Text(value) : null;
}
