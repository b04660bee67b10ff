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

    // Nobody sells for less than a tenth of the list price; such a figure is in another unit, or wrong, and would empty a budget without being seen.
    private const decimal LeastShare = 0.1m;

    // Whose invoice is the sum of the figures that they report.
    private static readonly string[] s_billing = ["openrouter", "perplexity"];

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
        if (usage.TryGetProperty("is_byok", out var isOwnKey) && isOwnKey.ValueKind == JsonValueKind.True)
        {
            // Without the provider's part the fee alone would pass for the whole.
            own = usage.TryGetProperty("cost_details", out var details) && details.ValueKind == JsonValueKind.Object
                && details.TryGetProperty("upstream_inference_cost", out var named) && Number(named) is > 0m and var upstream ? (own ?? 0m) + upstream : null;
        }

        return own is > 0m and <= Most ? own : null;
    }

    /// <summary>
    /// Whether a reported figure is what the call cost. The word of a server that is not known to bill by it counts for less than a price, and for nothing where a
    /// budget refuses calls: any server that speaks OpenAI's protocol can write a figure.
    /// </summary>
    /// <param name="own">What the price book says.</param>
    /// <param name="dollars">What the server says, above zero.</param>
    /// <param name="client">Who was asked.</param>
    /// <param name="policy">What the application wants.</param>
    /// <param name="isEnforced">Whether a budget that refuses calls let this one pass.</param>
    public static bool IsTaken(CallCost own, decimal dollars, ClientIdentity client, ProviderCostPolicy policy, bool isEnforced) => policy switch
    {
        ProviderCostPolicy.Trust => true,
        ProviderCostPolicy.Ignore => false,
        _ when IsBilledBy(client) => own.Certainty == CostCertainty.Unknown || dollars >= own.Low.Usd * LeastShare,
        _ => own.Certainty == CostCertainty.Unknown ? !isEnforced : own.High == Money.Zero,
    };

    /// <summary>Whether two costs are further apart than rounding and small fees explain.</summary>
    public static bool Differ(decimal left, decimal right) => Math.Abs(left - right) > Tolerance * Math.Max(left, right);

    // The host is what was asked; a name only says whose protocol is spoken.
    private static bool IsBilledBy(ClientIdentity client)
    {
        var directory = ProviderDirectory.Instance;
        var named = directory.ByName(client.ProviderName);
        return (client.Host is { } host ? directory.ByHost(ProviderDirectory.HostOf(host), named) : named) is { } provider && s_billing.Contains(provider.Id, StringComparer.Ordinal);
    }

    private static decimal? Number(JsonElement element) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetDecimal(out var number) && number >= 0m ? number : null;
}
