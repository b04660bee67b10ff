using System.Text.Json;

namespace LlmCostCache.AI.Cli.Importing;

/// <summary>Collects the rates that a price list names for one price of a model, by the names and in the units of our own files.</summary>
internal sealed class RateSheet
{
    public const decimal Million = 1_000_000m;

    private readonly Dictionary<(string? Mode, long Above), decimal?[]> _cards = [];
    private readonly List<PriceWindow> _windows = [];

    /// <summary>What cannot be a price.</summary>
    public List<PriceFinding> Problems { get; } = [];

    /// <summary>Whether something is billed in a unit that our files have no rate for.</summary>
    public bool HasOtherUnits { get; private set; }

    public DateOnly? EffectiveFrom { get; set; }

    /// <summary>Whether our files have such a rate.</summary>
    public static bool Holds(string field) => Array.IndexOf(RateCard.FieldNames, field) >= 0;

    public decimal? this[string field] => _cards.TryGetValue((null, 0), out var card) ? card[KindOf(field)] : null;

    /// <summary>Takes a rate.</summary>
    /// <param name="field">The name in our files.</param>
    /// <param name="value">The number, or what stands in its place.</param>
    /// <param name="factor">What makes it a rate per million, or each.</param>
    /// <param name="mode">The service tier; null is standard.</param>
    /// <param name="above">The size of the prompt above which it holds.</param>
    public void Set(string field, JsonElement value, decimal factor, string? mode = null, long above = 0)
    {
        if (value.ValueKind == JsonValueKind.Null)
        {
            return;
        }

        if (!SourceNumber.TryRead(value, factor, out var rate, out var problem))
        {
            Problems.Add(new(PriceConcern.NotAPrice, $"{field.Replace('_', ' ')} {problem}"));
            return;
        }

        Card(mode, above)[KindOf(field)] = rate;
    }

    /// <summary>Notes a price in a unit that our files have no rate for; zero of it is nothing.</summary>
    public void SetOther(JsonElement value) => HasOtherUnits |= value.ValueKind != JsonValueKind.Null && !(SourceNumber.TryRead(value, 1m, out var rate, out _) && rate == 0m);

    public void AddWindow(TimeOnly from, TimeOnly until, RateSheet rates) => _windows.Add(new(from, until, new(rates.Card(null, 0))));

    /// <summary>The price; null when it names no rate.</summary>
    public DatedPrice? ToPrice()
    {
        if (_cards.Count == 0 || !_cards.Values.Any(card => Array.Exists(card, rate => rate is not null)))
        {
            return null;
        }

        return new(new RateCard(Card(null, 0)))
        {
            EffectiveFrom = EffectiveFrom,
            Tiers = TiersOf(null),
            Windows = _windows,
            Modes = _cards.Keys.Select(key => key.Mode).OfType<string>().Distinct().ToDictionary(mode => mode, mode => new PriceMode(new(Card(mode, 0)), TiersOf(mode)), StringComparer.OrdinalIgnoreCase),
        };
    }

    private static int KindOf(string field) => Array.IndexOf(RateCard.FieldNames, field);

    private decimal?[] Card(string? mode, long above)
    {
        if (!_cards.TryGetValue((mode, above), out var card))
        {
            _cards.Add((mode, above), card = new decimal?[RateCard.Kinds]);
        }

        return card;
    }

    private PriceTier[] TiersOf(string? mode) =>
        [.. _cards.Where(pair => pair.Key.Mode == mode && pair.Key.Above > 0).OrderBy(pair => pair.Key.Above).Select(pair => new PriceTier(pair.Key.Above, 0, false, new(pair.Value)))];
}
