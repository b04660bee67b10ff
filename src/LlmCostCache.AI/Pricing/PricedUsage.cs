using System.Collections.Immutable;

namespace LlmCostCache.AI;

/// <summary>A usage with its price.</summary>
public sealed record PricedUsage
{
    /// <summary>Known; bounded when the step of the price is not known; or unknown. The last two with the reason.</summary>
    public required CallCost Cost { get; init; }

    /// <summary>The id in the price book, or null when there is none.</summary>
    public string? Model { get; init; }

    /// <summary>The provider in the price book, or null when there is none.</summary>
    public string? Provider { get; init; }

    /// <summary>The first day, in UTC, of the price that was used; null when it holds from the start, or when there is none.</summary>
    public DateOnly? EffectiveFrom { get; init; }

    /// <summary>The day, in UTC, on which the book learned of the price that was used; null when it knew from the beginning, or when there is none.</summary>
    public DateOnly? KnownFrom { get; init; }

    /// <summary>The provider's geography that the price was taken for, as it was asked for or as the host says; null when not known.</summary>
    public string? Region { get; init; }

    /// <summary>The currency of the price.</summary>
    public string Currency { get; init; } = "USD";

    /// <summary>The unrounded cost in <see cref="Currency"/>; null when unknown.</summary>
    public decimal? NativeCost { get; init; }

    /// <summary>The unrounded cost in <see cref="Currency"/> before discount and margin; null when unknown.</summary>
    public decimal? ListCost { get; init; }

    /// <summary>The share that was taken off the list price; see <see cref="PriceAdjustment"/>.</summary>
    public decimal Discount { get; init; }

    /// <summary>The share that was put on top of the discounted price.</summary>
    public decimal Margin { get; init; }

    /// <summary>Units of <see cref="Currency"/> for one US dollar; null for US dollars.</summary>
    public decimal? FxRate { get; init; }

    /// <summary>The day the rate is from; null for US dollars and for the assumed built-in rate.</summary>
    public DateOnly? FxDate { get; init; }

    /// <summary>The unrounded cost in US dollars of each kind that was used (<c>input</c>, <c>cached_input</c>, <c>output</c>, ...); their sum rounds to the cost.</summary>
    public ImmutableSortedDictionary<string, decimal> Parts { get; init; } = ImmutableSortedDictionary<string, decimal>.Empty;
}
