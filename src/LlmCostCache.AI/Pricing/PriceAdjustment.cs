namespace LlmCostCache.AI;

/// <summary>What is taken off a provider's list prices, and what is put on top: the discount first, then the margin, so a price becomes price × (1 − discount) × (1 + margin).</summary>
/// <remarks>
/// Holds for every rate and fee of the price book and of price files. A price given in code is what you pay, so nothing changes it. Of several adjustments
/// one holds: that of the strongest source (code, <c>LLMCOSTCACHE_PRICES</c>, <c>prices.json</c>), in it the one that names the model, then the one that names the provider.
/// </remarks>
public sealed record PriceAdjustment
{
    // A price that moves more than five times is a mistake in units: 5 for five percent, for instance.
    internal const decimal MaxMargin = 4m;

    /// <summary>The provider that sells the model; any when null.</summary>
    public string? Provider { get; init; }

    /// <summary>The model, by its id or any other name of it; every model of the provider when null.</summary>
    public string? Model { get; init; }

    /// <summary>The share that is taken off the list price.</summary>
    /// <value>0. From 0 to 1: 0.10 is ten percent.</value>
    public decimal Discount { get; init; }

    /// <summary>The share that is put on top of the discounted price.</summary>
    /// <value>0. From 0 to 4: 0.05 is five percent.</value>
    public decimal Margin { get; init; }

    /// <summary>The number that turns a list price into the adjusted one.</summary>
    internal decimal Factor => (1m - Discount) * (1m + Margin);

    /// <summary>Why this cannot be an adjustment; null when it can.</summary>
    internal string? Fault
    {
        get
        {
            if (Discount is < 0m or > 1m)
            {
                return FormattableString.Invariant($"the discount is {Discount}; it is a share from 0 to 1, so ten percent is 0.10");
            }

            if (Margin is < 0m or > MaxMargin)
            {
                return FormattableString.Invariant($"the margin is {Margin}; it is a share from 0 to {MaxMargin}, so five percent is 0.05");
            }

            // More digits would not survive the arithmetic of decimals unrounded.
            return decimal.Round(Discount, 6) != Discount || decimal.Round(Margin, 6) != Margin ? "discount and margin have six decimals at most" : null;
        }
    }
}
