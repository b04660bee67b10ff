using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>What a provider says a call cost. Routers know it best: they choose who answers, and bill their own prices.</summary>
internal static class ProviderCost
{
    /// <summary>What rows say whose cost is the provider's.</summary>
    public const string Reason = "The provider's own figure";

    /// <summary>By how much, of the larger one, the provider's figure and our price may differ before the row is flagged.</summary>
    public const decimal Tolerance = 0.05m;

    // Dearer than any single call can be; a figure beyond it is in another unit.
    private const decimal Most = 100_000m;

    /// <summary>
    /// The cost in US dollars: <c>cost</c> (OpenRouter) or <c>cost.total_cost</c> (Perplexity). With a key of one's own the router's figure is only its fee; what the
    /// provider behind it bills comes on top. Null when there is none above zero: zero is what servers say that do not know.
    /// </summary>
    public static decimal? Of(JsonElement usage)
    {
        if (!usage.TryGetProperty("cost", out var cost))
        {
            return null;
        }

        var own = cost.ValueKind == JsonValueKind.Object && cost.TryGetProperty("total_cost", out var total) ? Number(total) : Number(cost);
        if (usage.TryGetProperty("is_byok", out var isOwnKey) && isOwnKey.ValueKind == JsonValueKind.True
            && usage.TryGetProperty("cost_details", out var details) && details.ValueKind == JsonValueKind.Object
            && details.TryGetProperty("upstream_inference_cost", out var upstream))
        {
            own = (own ?? 0m) + (Number(upstream) ?? 0m);
        }

        return own is > 0m and <= Most ? own : null;
    }

    /// <summary>Whether two costs are further apart than rounding and small fees explain.</summary>
    public static bool Differ(decimal left, decimal right) => Math.Abs(left - right) > Tolerance * Math.Max(left, right);

    private static decimal? Number(JsonElement element) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetDecimal(out var number) && number >= 0m ? number : null;
}
