using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace LlmCostCache.AI;

/// <summary>What a model costs from a day on, until a later price takes over.</summary>
internal sealed class DatedPrice
{
    private readonly RateCard _standard;
    private readonly RateCard[] _levels;

    // Without the tiers, by mode; a price does not change, and each reservation asks several times.
    private ConcurrentDictionary<string, (decimal Input, decimal Output, decimal Request, decimal Search)>? _dearest;
    private DateOnly? _effectiveFrom;
    private DateOnly? _knownFrom;

    /// <param name="rates">The rates.</param>
    /// <param name="steps">What changes with the requests of the month; a later step overrides an earlier one.</param>
    public DatedPrice(RateCard rates, IEnumerable<PriceStep>? steps = null)
    {
        (Rates, _standard) = (rates, rates.WithFallbacks());
        Steps = [.. (steps ?? []).OrderBy(step => step.AboveRequests)];
        _levels = new RateCard[Steps.Count + 1];
        _levels[0] = rates;
        for (var i = 0; i < Steps.Count; i++)
        {
            _levels[i + 1] = _levels[i].OverriddenBy(Steps[i].Rates);
        }
    }

    /// <summary>The first day, in UTC; null is from the start.</summary>
    public DateOnly? EffectiveFrom
    {
        get => _effectiveFrom;
        init => _effectiveFrom = value;
    }

    /// <summary>The first day, in UTC, on which the book knew this price; null is from the beginning.</summary>
    public DateOnly? KnownFrom
    {
        get => _knownFrom;
        init => _knownFrom = value;
    }

    public RateCard Rates { get; }

    /// <summary>What changes with the requests of the month, fewest first.</summary>
    public IReadOnlyList<PriceStep> Steps { get; }

    public IReadOnlyList<PriceTier> Tiers { get; init; } = [];

    public IReadOnlyList<PriceWindow> Windows { get; init; } = [];

    public IReadOnlyDictionary<string, PriceMode> Modes { get; init; } = NoModes;

    /// <summary>What a request costs in a geography of the provider, as a multiple; <see cref="AnyRegion"/> stands for every other one that is named.</summary>
    public IReadOnlyDictionary<string, decimal> Regions { get; init; } = NoRegions;

    public IReadOnlyList<string> Sources { get; init; } = [];

    public const string AnyRegion = "*";

    public static IReadOnlyDictionary<string, decimal> NoRegions { get; } = new Dictionary<string, decimal>();

    public static IReadOnlyDictionary<string, PriceMode> NoModes { get; } = new Dictionary<string, PriceMode>();

    /// <summary>Whether nothing that this price can bill costs anything.</summary>
    public bool IsFree => Rates.IsFree && Steps.All(step => step.Rates.IsFree) && Tiers.All(tier => tier.Rates.IsFree) && Modes.Values.All(mode => mode.Rates.IsFree);

    /// <summary>Whether some rate is for inputs above so many tokens, or more.</summary>
    public bool HasRateAbove(long inputTokens) => Tiers.Any(tier => tier.AboveInputTokens >= inputTokens) || Modes.Values.Any(mode => mode.Tiers.Any(tier => tier.AboveInputTokens >= inputTokens));

    /// <summary>The levels that requests can have: 0 is the price without a step, 1 the first step, and so on.</summary>
    /// <param name="before">How many requests went before in the month; null when not known.</param>
    /// <param name="requests">How many requests there are; they can lie on both sides of a step.</param>
    public (int First, int Last) LevelsOf(long? before, long requests)
    {
        if (Steps.Count == 0)
        {
            return (0, 0);
        }

        if (before is not { } count)
        {
            return (0, Steps.Count);
        }

        var last = requests <= 1 ? count : count > long.MaxValue - requests ? long.MaxValue : count + requests - 1;
        return (Steps.Count(step => count >= step.AboveRequests), Steps.Count(step => last >= step.AboveRequests));
    }

    /// <summary>The one card that prices a whole request.</summary>
    /// <param name="mode">The service tier; standard when null or when the vendor lists no rates for it.</param>
    /// <param name="region">The provider's geography; null when it is not known.</param>
    /// <param name="time">The time of day of the call, in UTC.</param>
    /// <param name="inputTokens">The whole prompt.</param>
    /// <param name="outputTokens">The whole answer.</param>
    /// <param name="reasoned">Whether the answer contains reasoning.</param>
    /// <param name="level">The step by volume; see <see cref="LevelsOf"/>.</param>
    public RateCard CardFor(string? mode, string? region, TimeOnly time, long inputTokens, long outputTokens, bool reasoned, int level = 0)
    {
        var special = mode is null ? null : Modes.GetValueOrDefault(mode);
        var changed = level == 0 ? null : _levels[level];
        foreach (var window in Windows)
        {
            if (window.Holds(time))
            {
                changed = (changed ?? Rates).OverriddenBy(window.Rates);
            }
        }

        if (special is not null)
        {
            changed = (changed ?? Rates).OverriddenBy(special.Rates);
        }

        var tiers = special?.TiersBeside(Tiers) ?? Tiers;
        for (var i = 0; i < tiers.Count; i++)
        {
            if (tiers[i].Holds(inputTokens, outputTokens, reasoned))
            {
                changed = (changed ?? Rates).OverriddenBy(tiers[i].Rates);
            }
        }

        return (changed?.WithFallbacks() ?? _standard).WithPremium((special?.Multiplier ?? 1m) * PremiumOf(region));
    }

    /// <summary>The multiple for a geography; one where the vendor lists no premium for it, and where none was chosen.</summary>
    public decimal PremiumOf(string? region)
    {
        if (string.IsNullOrEmpty(region) || Regions.Count == 0)
        {
            return 1m;
        }

        // What Anthropic answers when inference may run anywhere, and for models that cannot be bound to a geography.
        var isAnywhere = region.Equals("global", StringComparison.OrdinalIgnoreCase) || region.Equals("not_available", StringComparison.OrdinalIgnoreCase);
        return Regions.TryGetValue(region, out var premium) || (!isAnywhere && Regions.TryGetValue(AnyRegion, out premium)) ? premium : 1m;
    }

    /// <summary>The dearest multiple that a request can meet when nothing is known about its geography.</summary>
    public decimal DearestPremium => Regions.Values.Append(1m).Max();

    /// <summary>The dearest rates that a request of at most so many tokens can meet in a service tier, at any time of day and whatever went before.</summary>
    public (decimal Input, decimal Output, decimal Request, decimal Search) Dearest(string? mode, long inputTokens, long outputTokens)
    {
        var special = mode is null ? null : Modes.GetValueOrDefault(mode);
        var (input, output, request, search) = LazyInitializer.EnsureInitialized(ref _dearest, static () => new(StringComparer.Ordinal))
            .GetOrAdd(special is null ? "" : mode!, static (_, from) => from.Price.DearestOutsideTiers(from.Mode), (Price: this, Mode: special));
        foreach (var tier in special?.TiersBeside(Tiers) ?? Tiers)
        {
            if (tier.CanHold(inputTokens, outputTokens))
            {
                Consider(tier.Rates);
            }
        }

        var multiplier = special?.Multiplier ?? 1m;
        return (input * multiplier, output * multiplier, request, search);

        void Consider(RateCard card) => (input, output, request, search) = Dearer(card, input, output, request, search);
    }

    private (decimal Input, decimal Output, decimal Request, decimal Search) DearestOutsideTiers(PriceMode? special)
    {
        var (input, output, request, search) = (0m, 0m, 0m, 0m);
        foreach (var level in _levels)
        {
            Consider((special is null ? level : level.OverriddenBy(special.Rates)).WithFallbacks());
            foreach (var window in Windows)
            {
                var card = level.OverriddenBy(window.Rates);
                Consider((special is null ? card : card.OverriddenBy(special.Rates)).WithFallbacks());
            }
        }

        return (input, output, request, search);

        void Consider(RateCard card) => (input, output, request, search) = Dearer(card, input, output, request, search);
    }

    private static (decimal Input, decimal Output, decimal Request, decimal Search) Dearer(RateCard card, decimal input, decimal output, decimal request, decimal search) => (
        Math.Max(input, card.Dearest(output: false)),
        Math.Max(output, card.Dearest(output: true)),
        Math.Max(request, card[RateKind.Request] ?? 0m),
        Math.Max(search, card[RateKind.WebSearch] ?? 0m));

    /// <summary>The same price, learned on a day.</summary>
    public DatedPrice KnownSince(DateOnly day)
    {
        var copy = (DatedPrice)MemberwiseClone();
        copy._knownFrom = day;
        return copy;
    }

    /// <summary>The same price, in effect from one day on and learned on another.</summary>
    public DatedPrice Dated(DateOnly? effectiveFrom, DateOnly knownFrom)
    {
        var copy = KnownSince(knownFrom);
        copy._effectiveFrom = effectiveFrom;
        return copy;
    }

    /// <summary>Eight hex digits that change with any fact of the price; the day it became known is not one of them.</summary>
    public string Fingerprint(string currency)
    {
        var from = EffectiveFrom?.ToString("O", CultureInfo.InvariantCulture);
        var facts = new StringBuilder(256).Append(currency).Append('|').Append(from).Append('|');
        Rates.WriteFacts(facts);
        WriteTiers(Tiers);
        foreach (var step in Steps)
        {
            facts.Append(CultureInfo.InvariantCulture, $"|above {step.AboveRequests} requests a month ");
            step.Rates.WriteFacts(facts);
        }

        foreach (var window in Windows)
        {
            facts.Append(CultureInfo.InvariantCulture, $"|window {window.From:HH':'mm':'ss} {window.Until:HH':'mm':'ss} ");
            window.Rates.WriteFacts(facts);
        }

        foreach (var (name, mode) in Modes.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            facts.Append("|mode ").Append(name).Append(' ');
            mode.Rates.WriteFacts(facts);
            WriteTiers(mode.Tiers);
            if (mode.Multiplier != 1m)
            {
                facts.Append(CultureInfo.InvariantCulture, $"times {mode.Multiplier:0.############################};");
            }
        }

        foreach (var (name, premium) in Regions.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            facts.Append(CultureInfo.InvariantCulture, $"|region {name} {premium:0.############################}");
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(facts.ToString())).AsSpan(0, 4));

        void WriteTiers(IReadOnlyList<PriceTier> tiers)
        {
            foreach (var tier in tiers)
            {
                var reasoning = tier.WithReasoning ? 1 : 0;
                facts.Append(CultureInfo.InvariantCulture, $"|above {tier.AboveInputTokens} {tier.AboveOutputTokens} {reasoning} ");
                tier.Rates.WriteFacts(facts);
            }
        }
    }
}
