namespace LlmCostCache.AI;

/// <summary>A price of a price file while it is read.</summary>
internal sealed class PriceDraft
{
    public bool IsTouched { get; set; }

    public decimal?[] Rates { get; } = new decimal?[RateCard.Kinds];

    public DateOnly? EffectiveFrom { get; set; }

    public DateOnly? KnownFrom { get; set; }

    public string[] Sources { get; set; } = [];

    public List<PriceTier> Tiers { get; set; } = [];

    public List<PriceStep> Steps { get; } = [];

    public List<PriceWindow> Windows { get; } = [];

    public Dictionary<string, PriceMode>? Modes { get; set; }

    public Dictionary<string, decimal>? Regions { get; set; }

    public decimal Multiplier { get; set; } = 1m;

    /// <summary>The price, once everything is read.</summary>
    public DatedPrice Finish(in PriceJsonReader json, string mode, int line)
    {
        // A rate for tokens may not be forgotten, but images, video, speech, storage and compute can be billed without any.
        var rates = Rates.AsSpan();
        var byTokens = rates[..(int)RateKind.WebSearch].ContainsAnyExcept((decimal?)null) || !rates[(int)RateKind.Image..].ContainsAnyExcept((decimal?)null);
        if (byTokens && Rates[(int)RateKind.Input] is null)
        {
            throw json.Wrong("a price needs the rate 'input'", line);
        }

        if (byTokens && Rates[(int)RateKind.Output] is null && mode != "embedding")
        {
            throw json.Wrong("a price needs the rate 'output' (or the model \"mode\": \"embedding\" before its prices)", line);
        }

        // A coefficient of the whole price is nothing but other rates.
        var factor = Multiplier;
        return new(new RateCard(Rates).Times(factor), Steps.Select(step => step with { Rates = step.Rates.Times(factor) }))
        {
            EffectiveFrom = EffectiveFrom,
            KnownFrom = KnownFrom,
            Tiers = [.. Tiers.Select(tier => Times(tier, factor))],
            Windows = [.. Windows.Select(window => window with { Rates = window.Rates.Times(factor) })],
            Modes = Modes is null ? DatedPrice.NoModes : Modes.ToDictionary(
                mode => mode.Key,
                mode => mode.Value with { Rates = mode.Value.Rates.Times(factor), Tiers = [.. mode.Value.Tiers.Select(tier => Times(tier, factor))] },
                StringComparer.OrdinalIgnoreCase),
            Regions = Regions ?? DatedPrice.NoRegions,
            Sources = Sources,
        };

        static PriceTier Times(PriceTier tier, decimal factor) => tier with { Rates = tier.Rates.Times(factor) };
    }
}
