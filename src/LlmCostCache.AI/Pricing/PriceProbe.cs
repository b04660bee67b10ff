using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>A condition under which a price may differ: a service tier, a size of the request, a time of day, a geography, what went before in the month.</summary>
/// <param name="Mode">The service tier; null is standard.</param>
/// <param name="InputTokens">The whole prompt.</param>
/// <param name="OutputTokens">The whole answer.</param>
/// <param name="Reasoned">Whether the answer contains reasoning.</param>
/// <param name="Time">The time of day in UTC; null where it does not matter.</param>
internal sealed record PriceProbe(string? Mode, long InputTokens, long OutputTokens, bool Reasoned, TimeOnly? Time)
{
    /// <summary>The provider's geography; null where it does not matter.</summary>
    public string? Region { get; init; }

    /// <summary>How many requests went before in the month.</summary>
    public long RequestsBefore { get; init; }

    /// <summary>The condition in words; <c>standard</c> when nothing special holds.</summary>
    public string Words
    {
        get
        {
            List<string> words = Mode is null ? [] : [Mode];
            if (InputTokens > 0)
            {
                words.Add(string.Create(CultureInfo.InvariantCulture, $"input > {InputTokens - 1:N0}"));
            }

            if (OutputTokens > 0)
            {
                words.Add(string.Create(CultureInfo.InvariantCulture, $"output > {OutputTokens - 1:N0}"));
            }

            if (Reasoned)
            {
                words.Add("with reasoning");
            }

            if (Time is { } time)
            {
                words.Add(string.Create(CultureInfo.InvariantCulture, $"from {time:HH:mm} UTC"));
            }

            if (RequestsBefore > 0)
            {
                words.Add(string.Create(CultureInfo.InvariantCulture, $"requests > {RequestsBefore:N0} a month"));
            }

            if (Region is not null)
            {
                words.Add(Region == DatedPrice.AnyRegion ? "in other regions" : $"in {Region}");
            }

            return words.Count == 0 ? "standard" : string.Join(", ", words);
        }
    }

    /// <summary>Every condition that one of the prices tells apart, the standard one first.</summary>
    public static IReadOnlyList<PriceProbe> Of(params DatedPrice?[] prices)
    {
        HashSet<PriceProbe> probes = [new(null, 0, 0, false, null)];
        foreach (var price in prices.OfType<DatedPrice>())
        {
            AddTiers(null, price.Tiers);
            foreach (var window in price.Windows)
            {
                probes.Add(new(null, 0, 0, false, window.From));
            }

            foreach (var step in price.Steps)
            {
                probes.Add(new(null, 0, 0, false, null) { RequestsBefore = step.AboveRequests });
            }

            foreach (var region in price.Regions.Keys)
            {
                probes.Add(new(null, 0, 0, false, null) { Region = region });
            }

            foreach (var (name, mode) in price.Modes.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                probes.Add(new(name, 0, 0, false, null));
                AddTiers(name, mode.Tiers);
            }
        }

        return [.. probes];

        void AddTiers(string? mode, IReadOnlyList<PriceTier> tiers)
        {
            foreach (var tier in tiers)
            {
                probes.Add(new(mode, tier.AboveInputTokens == 0 ? 0 : tier.AboveInputTokens + 1, tier.AboveOutputTokens == 0 ? 0 : tier.AboveOutputTokens + 1, tier.WithReasoning, null));
            }
        }
    }

    /// <summary>The rates that hold, with what the vendor bills for those it does not list.</summary>
    public RateCard Card(DatedPrice price) =>
        price.CardFor(Mode, Region, Time ?? QuietTime(price), InputTokens, OutputTokens, Reasoned, price.LevelsOf(RequestsBefore, 1).First);

    /// <summary>The rates that are listed for this condition, without those that only stand in for others.</summary>
    public RateCard Listed(DatedPrice price)
    {
        var listed = price.Steps.Where(step => RequestsBefore >= step.AboveRequests).Aggregate(price.Rates, (card, step) => card.OverriddenBy(step.Rates));
        foreach (var window in price.Windows.Where(window => Time is { } time && window.Holds(time)))
        {
            listed = listed.OverriddenBy(window.Rates);
        }

        var special = Mode is null ? null : price.Modes.GetValueOrDefault(Mode);
        listed = special is null ? listed : listed.OverriddenBy(special.Rates);
        return (special?.TiersBeside(price.Tiers) ?? price.Tiers).Where(tier => tier.Holds(InputTokens, OutputTokens, Reasoned)).Aggregate(listed, (card, tier) => card.OverriddenBy(tier.Rates));
    }

    /// <summary>A time of day outside the windows, where there is one.</summary>
    private static TimeOnly QuietTime(DatedPrice price) =>
        price.Windows.Select(window => window.Until).FirstOrDefault(time => !price.Windows.Any(window => window.Holds(time)));
}
