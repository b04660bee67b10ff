using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>Discounts and margins of all sources, strongest first.</summary>
/// <param name="sources">The adjustments of each source, checked.</param>
internal sealed class PriceAdjustments(IReadOnlyList<IReadOnlyList<PriceAdjustment>> sources)
{
    public static PriceAdjustments None { get; } = new([]);

    /// <summary>The adjustments given in code.</summary>
    /// <exception cref="LlmCostException">One is out of its bounds or there twice.</exception>
    public static IReadOnlyList<PriceAdjustment> FromCode(IList<PriceAdjustment> adjustments)
    {
        const string Where = $"{nameof(LlmCostsOptions)}.{nameof(LlmCostsOptions.PriceAdjustments)}";
        HashSet<(string, string)> seen = [];
        foreach (var adjustment in adjustments)
        {
            if (adjustment.Fault is { } fault)
            {
                throw new LlmCostException($"{Where}, {NameOf(adjustment)}: {fault}.");
            }

            if (!seen.Add(KeyOf(adjustment)))
            {
                throw new LlmCostException($"{Where}, {NameOf(adjustment)}: is there twice; keep one of the two.");
            }
        }

        return [.. adjustments];
    }

    /// <summary>Two adjustments with the same key would hold for the same prices.</summary>
    public static (string Provider, string Model) KeyOf(PriceAdjustment adjustment) =>
        (string.IsNullOrWhiteSpace(adjustment.Provider) ? "" : PriceLayer.Key(adjustment.Provider), adjustment.Model?.Trim().ToUpperInvariant() ?? "");

    public static string NameOf(PriceAdjustment adjustment) => $"'{adjustment.Provider ?? "any provider"}{(adjustment.Model is { } model ? $", {model}" : "")}'";

    /// <summary>The adjustment of a price, also one that changes nothing; null when there is none.</summary>
    /// <param name="seller">Who sells: the provider of the price book, or the name of one that is not in it.</param>
    /// <param name="entry">The price that was found.</param>
    /// <param name="name">The model as it was reported.</param>
    public PriceAdjustment? Find(string? seller, PriceEntry entry, ModelName name)
    {
        if (sources.Count == 0 || entry.IsAgreed)
        {
            return null;
        }

        var key = seller is null ? null : PriceLayer.Key(seller);
        foreach (var source in sources)
        {
            var holds = source.Where(adjustment => IsFor(key, adjustment) && (adjustment.Model is null || IsNameOf(adjustment.Model.Trim(), entry, name)));
            if (holds.OrderBy(adjustment => adjustment.Model is null).ThenBy(adjustment => adjustment.Provider is null).FirstOrDefault() is { } adjustment)
            {
                return adjustment;
            }
        }

        return null;
    }

    /// <summary>A revision names the facts behind an amount, and an adjustment is one of them.</summary>
    public static string RevisionOf(string revision, PriceAdjustment adjustment) =>
        string.Create(CultureInfo.InvariantCulture, $"{revision},discount={adjustment.Discount:0.######},margin={adjustment.Margin:0.######}");

    private static bool IsFor(string? seller, PriceAdjustment adjustment) =>
        string.IsNullOrWhiteSpace(adjustment.Provider) || (seller is not null && PriceLayer.Key(adjustment.Provider) == seller);

    private static bool IsNameOf(string model, PriceEntry entry, ModelName name) =>
        entry.Aliases.Append(entry.Id).Concat(name.Forms).Concat(name.UndatedForms).Contains(model, StringComparer.OrdinalIgnoreCase);
}
