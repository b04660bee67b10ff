using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>
/// Tells prices that can be meant from those that cannot: the most used public lists carry prices that are wrong by factors of ten to a hundred
/// thousand, and one of them is enough to empty a budget, or to never fill it.
/// </summary>
internal static class PriceGuard
{
    /// <summary>Vendors halve and double their prices; a larger move is confirmed by a person.</summary>
    public const decimal LargestMove = 5m;

    // The dearest model so far costs 600 dollars for a million tokens, the cheapest a fifth of a cent; nothing that is billed by the piece costs ten dollars.
    private const decimal DearestMillion = 1_000m;
    private const decimal CheapestMillion = 0.0005m;
    private const decimal DearestPiece = 10m;

    // Batches cost half, priority up to twice, the fastest modes six times the standard rate.
    private const decimal FarthestMode = 10m;

    /// <summary>The reasons not to trust a price, the first of each kind; none when it equals the known one.</summary>
    /// <param name="price">The price.</param>
    /// <param name="known">The price it replaces; null when the model is new.</param>
    /// <param name="currency">The currency of both.</param>
    /// <param name="mode">What the model does: <c>chat</c>, <c>embedding</c>, ...</param>
    public static IReadOnlyList<PriceFinding> Check(DatedPrice price, DatedPrice? known, string currency, string mode)
    {
        List<PriceFinding> findings = [];
        foreach (var probe in PriceProbe.Of(price, known))
        {
            var (listed, before) = (probe.Listed(price), known is null ? null : probe.Listed(known));
            for (var kind = (RateKind)0; (int)kind < RateCard.Kinds; kind++)
            {
                if (listed[kind] is not { } rate)
                {
                    continue;
                }

                // A service tier that is new is compared with nothing: fast modes cost six times the standard rate, and truly.
                var comparable = probe.Mode is null || known?.Modes.ContainsKey(probe.Mode) == true;
                if (before?[kind] is { } old && comparable)
                {
                    Add(OfMove(Name(kind, probe), old, rate));
                }
                else if (before?[kind] is null)
                {
                    Add(OfSize(Name(kind, probe), kind, rate, currency));
                }
            }

            Add(OfProportions(probe, listed, before, mode));
            Add(probe.Mode is null || known?.Modes.ContainsKey(probe.Mode) == true ? null : OfMode(probe, listed, price.Rates));
        }

        if (known is null && price.IsFree)
        {
            Add(new(PriceConcern.Free, "everything about it costs nothing, which lists also write where they know no price"));
        }

        return findings;

        void Add(PriceFinding? finding)
        {
            if (finding is not null && !findings.Exists(other => other.Concern == finding.Concern))
            {
                findings.Add(finding);
            }
        }
    }

    /// <summary>The overrides of models that the built-in book knows at a price a hundred or more times larger or smaller by a power of ten.</summary>
    public static IEnumerable<(string Source, string Model, PriceFinding Slip)> SlipsOf(IReadOnlyList<PriceLayer> layers)
    {
        foreach (var layer in layers)
        {
            foreach (var entry in layer.Entries)
            {
                // Without a provider and a maker every file of the book would have to be read, and Open should stay quick.
                var isFindable = entry.Provider is not null || ProviderDirectory.Instance.Providers.Any(provider => provider.Makes(entry.Id));
                if (isFindable && PriceBook.BuiltIn.Resolve(entry.Provider, entry.Id).Entry is { } known && known.Currency == entry.Currency
                    && SlipFrom(known.Prices, entry.Prices[^1].Rates) is { } slip)
                {
                    yield return (layer.Source, $"{entry.Provider ?? "any"}/{entry.Id}", slip);
                }
            }
        }
    }

    /// <summary>The power of ten by which two rates differ, give or take a quarter; 0 when they do not.</summary>
    public static int PowerOfTen(decimal from, decimal to)
    {
        var (small, large, sign) = to >= from ? (from, to, 1) : (to, from, -1);
        if (small <= 0m)
        {
            return 0;
        }

        var scaled = small;
        for (var power = 1; power <= 12 && scaled <= large; power++)
        {
            scaled *= 10m;
            if (Math.Abs(large - scaled) <= scaled / 4m)
            {
                return sign * power;
            }
        }

        return 0;
    }

    /// <summary>The slip from the latest price; null when some price of the history is near.</summary>
    private static PriceFinding? SlipFrom(IReadOnlyList<DatedPrice> known, RateCard price)
    {
        PriceFinding? slip = null;
        foreach (var before in known)
        {
            slip = SlipBetween(before.Rates, price);
            if (slip is null)
            {
                return null;
            }
        }

        return slip;
    }

    private static PriceFinding? SlipBetween(RateCard known, RateCard price)
    {
        foreach (var kind in (ReadOnlySpan<RateKind>)[RateKind.Input, RateKind.Output])
        {
            if (known[kind] is { } old && price[kind] is { } rate && Math.Abs(PowerOfTen(old, rate)) >= 2)
            {
                return OfMove(RateCard.FieldNames[(int)kind], old, rate);
            }
        }

        return null;
    }

    private static PriceFinding? OfMove(string name, decimal old, decimal rate)
    {
        if (old == rate)
        {
            return null;
        }

        var move = $"{name} from {Text(old)} to {Text(rate)}";
        if (old == 0m || rate == 0m)
        {
            return new(PriceConcern.Free, $"{move}: {(rate == 0m ? "it would be free" : "it was free")}");
        }

        if (PowerOfTen(old, rate) is var power and not 0)
        {
            var factor = string.Create(CultureInfo.InvariantCulture, $"{Power(Math.Abs(power)):N0}");
            return new(PriceConcern.UnitSlip, $"{move}: about {factor} times {(power > 0 ? "dearer" : "cheaper")}, as when units are mixed up");
        }

        return rate / old > LargestMove || old / rate > LargestMove
            ? new(PriceConcern.Move, $"{move}: more than {Text(LargestMove)} times {(rate > old ? "dearer" : "cheaper")}")
            : null;
    }

    private static PriceFinding? OfSize(string name, RateKind kind, decimal rate, string currency)
    {
        // What other currencies are worth is not known here, so only those of the book are judged.
        if (rate == 0m || (currency switch { "USD" => 1m, "CNY" => 7.2m, _ => 0m }) is not (var worth and > 0m))
        {
            return null;
        }

        if (!IsPerMillion(kind))
        {
            return rate > DearestPiece * worth ? new(PriceConcern.UnitSlip, $"{name} is {Text(rate)} {currency} each, dearer than anything that is billed so") : null;
        }

        return rate > DearestMillion * worth ? new(PriceConcern.UnitSlip, $"{name} is {Text(rate)} {currency} per million, dearer than any model")
            : rate < CheapestMillion * worth && kind is RateKind.Input or RateKind.Output ? new(PriceConcern.UnitSlip, $"{name} is {Text(rate)} {currency} per million, cheaper than any model")
            : null;
    }

    private static PriceFinding? OfProportions(PriceProbe probe, RateCard listed, RateCard? before, string mode)
    {
        if (listed[RateKind.CachedInput] is { } cached && listed[RateKind.Input] is { } input && cached > input
            && !(before?[RateKind.CachedInput] > before?[RateKind.Input]))
        {
            return new(PriceConcern.CachedDearerThanInput, $"{Name(RateKind.CachedInput, probe)} is {Text(cached)}, dearer than input ({Text(input)})");
        }

        return mode is not ("embedding" or "moderation" or "rerank") && IsCheap(listed) && !(before is not null && IsCheap(before))
            ? new(PriceConcern.CheapOutput, $"{Name(RateKind.Output, probe)} is {Text(listed[RateKind.Output]!.Value)}, less than half of input ({Text(listed[RateKind.Input]!.Value)})")
            : null;

        static bool IsCheap(RateCard card) => card[RateKind.Output] is { } output && card[RateKind.Input] is { } input && output * 2m < input;
    }

    private static PriceFinding? OfMode(PriceProbe probe, RateCard listed, RateCard standard)
    {
        foreach (var kind in (ReadOnlySpan<RateKind>)[RateKind.Input, RateKind.Output])
        {
            if (listed[kind] is { } rate and > 0m && standard[kind] is { } usual and > 0m && (rate > usual * FarthestMode || usual > rate * FarthestMode))
            {
                return new(PriceConcern.UnitSlip, $"{Name(kind, probe)} is {Text(rate)} where the standard rate is {Text(usual)}");
            }
        }

        return null;
    }

    private static bool IsPerMillion(RateKind kind) => kind is < RateKind.WebSearch or RateKind.Characters;

    private static decimal Power(int exponent) => exponent == 0 ? 1m : 10m * Power(exponent - 1);

    private static string Name(RateKind kind, PriceProbe probe)
    {
        var name = RateCard.FieldNames[(int)kind].Replace('_', ' ');
        return probe.Words == "standard" ? name : $"{name} ({probe.Words})";
    }

    private static string Text(decimal rate) => rate.ToString("0.############################", CultureInfo.InvariantCulture);
}
