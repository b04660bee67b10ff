using System.Globalization;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>
/// Reads a price file: a header (<c>provider</c>, <c>currency</c>, <c>known_from</c>, <c>checked</c>) and <c>models</c>, each with its rates or
/// with a dated history in <c>prices</c>; the user's may have <c>adjustments</c> (discounts and margins) too. The built-in files and the user's have the same form. An unknown word is an error, because a misspelt
/// rate would silently fall back to another.
/// </summary>
internal ref struct PriceFileReader
{
    // A dollar for a token: beyond it, somebody mixed up units.
    private const decimal MaxRate = 1_000_000m;

    // Beyond it, somebody wrote a rate.
    private const int MaxMultiplier = 100;

    private const NumberStyles RateStyles = NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign | NumberStyles.AllowExponent;

    private readonly ReadOnlySpan<byte> _json;
    private readonly string _source;
    private readonly List<PriceAdjustment> _adjustments = [];
    private Utf8JsonReader _reader;

    private PriceFileReader(ReadOnlySpan<byte> json, string source)
    {
        _json = json;
        _source = source;
        _reader = new(json, new JsonReaderOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
    }

    /// <exception cref="LlmCostException">The file is not a price file; the message names source and line.</exception>
    public static IReadOnlyList<PriceEntry> Read(ReadOnlySpan<byte> json, string source) => Read(json, source, out _);

    /// <exception cref="LlmCostException">The file is not a price file; the message names source and line.</exception>
    public static IReadOnlyList<PriceEntry> Read(ReadOnlySpan<byte> json, string source, out IReadOnlyList<PriceAdjustment> adjustments)
    {
        if (json.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
        {
            json = json[3..];
        }

        try
        {
            var reader = new PriceFileReader(json, source);
            adjustments = reader._adjustments;
            return reader.ReadFile();
        }
        catch (JsonException e)
        {
            throw new LlmCostException($"{source}, line {(e.LineNumber ?? 0) + 1}: not readable as JSON ({e.Message})", e);
        }
        catch (InvalidOperationException e)
        {
            throw new LlmCostException($"{source}: a text in it is not valid UTF-8.", e);
        }
    }

    private List<PriceEntry> ReadFile()
    {
        List<Draft> drafts = [];
        string? provider = null;
        var currency = "USD";
        DateOnly? knownFrom = null;
        DateOnly? checkedOn = null;
        var hasModels = false;
        Next();
        Expect(JsonTokenType.StartObject, "the file must be a JSON object with a list 'models'");
        while (NextProperty() is { } name)
        {
            switch (name)
            {
                case "provider":
                    provider = Text(name);
                    break;
                case "currency":
                    currency = Currency();
                    break;
                case "known_from":
                    knownFrom = Day(name);
                    break;
                case "checked":
                    checkedOn = Day(name);
                    break;
                case "schema":
                    var schema = Text(name);
                    if (schema != "llmcostcache-prices/1")
                    {
                        throw Wrong($"the schema '{schema}' is not known; this version reads 'llmcostcache-prices/1'");
                    }

                    break;
                case "unit" or "note":
                    Text(name);
                    break;
                case "models":
                    hasModels = true;
                    Expect(JsonTokenType.StartArray, "'models' must be a list");
                    while (Next() != JsonTokenType.EndArray)
                    {
                        drafts.Add(ReadModel());
                    }

                    break;
                case "adjustments":
                    Expect(JsonTokenType.StartArray, "'adjustments' must be a list");
                    while (Next() != JsonTokenType.EndArray)
                    {
                        ReadAdjustment();
                    }

                    break;
                default:
                    throw Unknown(name, "of the file");
            }
        }

        // What follows the object is not JSON any more, and the reader says so.
        _reader.Read();
        if (!hasModels && _adjustments.Count == 0)
        {
            throw Wrong("the file has no list 'models'");
        }

        return Build(drafts, provider, currency, knownFrom, checkedOn);
    }

    private readonly List<PriceEntry> Build(List<Draft> drafts, string? provider, string currency, DateOnly? knownFrom, DateOnly? checkedOn)
    {
        Dictionary<string, int> lines = new(StringComparer.OrdinalIgnoreCase);
        List<PriceEntry> entries = new(drafts.Count);
        foreach (var draft in drafts)
        {
            var seller = draft.Provider ?? provider;
            var key = seller is null ? "" : PriceLayer.Key(seller);
            foreach (var name in draft.Aliases.Prepend(draft.Id))
            {
                if (!lines.TryAdd($"{key}\n{name}", draft.Line))
                {
                    var first = lines[$"{key}\n{name}"];
                    throw Wrong($"'{name}' has a price already, in line {first}; keep one of the two", draft.Line);
                }
            }

            entries.Add(new()
            {
                Provider = seller,
                Id = draft.Id,
                Mode = draft.Mode,
                Aliases = draft.Aliases,
                StartsWith = draft.StartsWith,
                ContextWindow = draft.ContextWindow,
                MaxOutputTokens = draft.MaxOutputTokens,
                Encoding = draft.Encoding,
                Currency = draft.Currency ?? currency,
                Free = draft.Free,
                Prices = History(draft, knownFrom),
                Sources = draft.Sources,
                Checked = draft.Checked ?? checkedOn,
                KnownFrom = knownFrom?.ToString("O", CultureInfo.InvariantCulture) ?? "override",
                Line = draft.Line,
            });
        }

        return entries;
    }

    private Draft ReadModel()
    {
        Expect(JsonTokenType.StartObject, "a model must be a JSON object");
        var draft = new Draft { Line = Line() };
        var flat = new PriceDraft();
        List<DatedPrice>? dated = null;
        string? id = null;
        while (NextProperty() is { } name)
        {
            switch (name)
            {
                case "id":
                    id = Text(name);
                    break;
                case "provider":
                    draft.Provider = Text(name);
                    break;
                case "mode":
                    draft.Mode = Text(name);
                    break;
                case "aliases":
                    draft.Aliases = Texts(name);
                    break;
                case "starts_with":
                    draft.StartsWith = Texts(name);
                    break;
                case "context_window":
                    draft.ContextWindow = Count(name);
                    break;
                case "max_output_tokens":
                    draft.MaxOutputTokens = Count(name);
                    break;
                case "encoding":
                    draft.Encoding = Text(name);
                    break;
                case "currency":
                    draft.Currency = Currency();
                    break;
                case "free":
                    draft.Free = _reader.TokenType == JsonTokenType.True;
                    break;
                case "checked":
                    draft.Checked = Day(name);
                    break;
                case "note":
                    Text(name);
                    break;
                case "sources":
                    draft.Sources = Texts(name);
                    break;
                case "prices":
                    dated = [];
                    Expect(JsonTokenType.StartArray, "'prices' must be a list");
                    while (Next() != JsonTokenType.EndArray)
                    {
                        Expect(JsonTokenType.StartObject, "a price must be a JSON object");
                        var price = new PriceDraft();
                        var line = Line();
                        while (NextProperty() is { } rate)
                        {
                            if (!ReadPricePart(rate, price))
                            {
                                throw Unknown(rate, "of a price");
                            }
                        }

                        dated.Add(Finish(price, draft.Mode, line));
                    }

                    break;
                default:
                    if (!ReadPricePart(name, flat))
                    {
                        throw Unknown(name, "of a model");
                    }

                    break;
            }
        }

        draft.Id = string.IsNullOrWhiteSpace(id) ? throw Wrong("the model has no 'id'", draft.Line) : id;
        if (dated is not null && (flat.IsTouched || Array.Exists(flat.Rates, rate => rate is not null)))
        {
            throw Wrong($"'{id}' has rates beside its list 'prices'; write them in one of the two places", draft.Line);
        }

        draft.Prices = dated ?? [Finish(flat, draft.Mode, draft.Line)];
        if (draft.Prices.Count == 0)
        {
            throw Wrong($"'{id}' has no price", draft.Line);
        }

        return draft;
    }

    /// <summary>The prices in the order of their days. Two of the same day are a price and its correction, so they must have become known on different days.</summary>
    private readonly DatedPrice[] History(Draft draft, DateOnly? knownFrom)
    {
        DatedPrice[] prices =
        [
            .. draft.Prices.Select(price => price.KnownFrom is null && knownFrom is { } day ? price.KnownSince(day) : price)
                .OrderBy(price => price.EffectiveFrom).ThenBy(price => price.KnownFrom),
        ];
        for (var i = 1; i < prices.Length; i++)
        {
            if (prices[i].EffectiveFrom == prices[i - 1].EffectiveFrom && prices[i].KnownFrom == prices[i - 1].KnownFrom)
            {
                throw Wrong($"'{draft.Id}' has two prices that take effect on the same day and became known on the same day", draft.Line);
            }
        }

        return prices;
    }

    private readonly DatedPrice Finish(PriceDraft price, string mode, int line)
    {
        // A rate for tokens may not be forgotten, but images, video, speech, storage and compute can be billed without any.
        var rates = price.Rates.AsSpan();
        var byTokens = rates[..(int)RateKind.WebSearch].ContainsAnyExcept((decimal?)null) || !rates[(int)RateKind.Image..].ContainsAnyExcept((decimal?)null);
        if (byTokens && price.Rates[(int)RateKind.Input] is null)
        {
            throw Wrong("a price needs the rate 'input'", line);
        }

        if (byTokens && price.Rates[(int)RateKind.Output] is null && mode != "embedding")
        {
            throw Wrong("a price needs the rate 'output' (or the model \"mode\": \"embedding\" before its prices)", line);
        }

        // A coefficient of the whole price is nothing but other rates.
        var factor = price.Multiplier;
        return new(new RateCard(price.Rates).Times(factor), price.Steps.Select(step => step with { Rates = step.Rates.Times(factor) }))
        {
            EffectiveFrom = price.EffectiveFrom,
            KnownFrom = price.KnownFrom,
            Tiers = [.. price.Tiers.Select(tier => Times(tier, factor))],
            Windows = [.. price.Windows.Select(window => window with { Rates = window.Rates.Times(factor) })],
            Modes = price.Modes is null ? DatedPrice.NoModes : price.Modes.ToDictionary(
                mode => mode.Key,
                mode => mode.Value with { Rates = mode.Value.Rates.Times(factor), Tiers = [.. mode.Value.Tiers.Select(tier => Times(tier, factor))] },
                StringComparer.OrdinalIgnoreCase),
            Regions = price.Regions ?? DatedPrice.NoRegions,
            Sources = price.Sources,
        };

        static PriceTier Times(PriceTier tier, decimal factor) => tier with { Rates = tier.Rates.Times(factor) };
    }

    private bool ReadPricePart(string name, PriceDraft price)
    {
        switch (name)
        {
            case "effective_from":
                price.EffectiveFrom = _reader.TokenType == JsonTokenType.Null ? null : Day(name);
                break;
            case "known_from":
                price.KnownFrom = _reader.TokenType == JsonTokenType.Null ? null : Day(name);
                break;
            case "sources":
                price.Sources = Texts(name);
                break;
            case "tiers":
                price.Tiers = ReadTiers();
                break;
            case "volume":
                ReadVolume(price.Steps);
                break;
            case "windows":
                Expect(JsonTokenType.StartArray, "'windows' must be a list");
                while (Next() != JsonTokenType.EndArray)
                {
                    price.Windows.Add(ReadWindow());
                }

                break;
            case "modes":
                Expect(JsonTokenType.StartObject, "'modes' must be a JSON object");
                price.Modes = new(StringComparer.OrdinalIgnoreCase);
                while (NextProperty() is { } mode)
                {
                    if (!price.Modes.TryAdd(mode, ReadMode()))
                    {
                        throw Wrong($"the mode '{mode}' is there twice");
                    }
                }

                break;
            case "multiplier":
                price.Multiplier = Multiplier(name);
                break;
            case "regions":
                Expect(JsonTokenType.StartObject, "'regions' must be a JSON object like {\"us\": \"1.1\"}");
                price.Regions = new(StringComparer.OrdinalIgnoreCase);
                while (NextProperty() is { } region)
                {
                    if (!price.Regions.TryAdd(region, Multiplier(region)))
                    {
                        throw Wrong($"the region '{region}' is there twice");
                    }
                }

                break;
            default:
                return ReadRate(name, price.Rates);
        }

        price.IsTouched = true;
        return true;
    }

    private bool ReadRate(string name, decimal?[] rates)
    {
        var kind = Array.IndexOf(RateCard.FieldNames, name);
        if (kind < 0)
        {
            return false;
        }

        if (rates[kind] is not null)
        {
            throw Wrong($"'{name}' is there twice");
        }

        if (_reader.TokenType == JsonTokenType.Null)
        {
            return true;
        }

        rates[kind] = Number(name) switch
        {
            < 0 and var rate => throw Wrong($"'{name}' is {rate.ToString(CultureInfo.InvariantCulture)}; a price cannot be negative"),
            > MaxRate and var rate => throw Wrong(
                $"'{name}' is {rate.ToString(CultureInfo.InvariantCulture)}; prices are per million tokens or characters and for one of everything else, so this cannot be meant"),
            var rate => rate,
        };
        return true;
    }

    private readonly decimal Share(string name)
    {
        if (_reader.TokenType == JsonTokenType.Number && _reader.TryGetDecimal(out var number))
        {
            return number;
        }

        return _reader.TokenType == JsonTokenType.String && decimal.TryParse(_reader.GetString(), RateStyles, CultureInfo.InvariantCulture, out var share)
            ? share
            : throw Wrong($"'{name}' must be a share like \"0.10\" for ten percent");
    }

    private void ReadAdjustment()
    {
        Expect(JsonTokenType.StartObject, "an adjustment must be a JSON object");
        var line = Line();
        var adjustment = new PriceAdjustment();
        while (NextProperty() is { } name)
        {
            adjustment = name switch
            {
                "provider" => adjustment with { Provider = Text(name) },
                "model" => adjustment with { Model = Text(name) },
                "discount" => adjustment with { Discount = Share(name) },
                "margin" => adjustment with { Margin = Share(name) },
                _ => throw Unknown(name, "of an adjustment"),
            };
        }

        if (adjustment.Fault is { } fault)
        {
            throw Wrong(fault, line);
        }

        if (_adjustments.Exists(other => PriceAdjustments.KeyOf(other) == PriceAdjustments.KeyOf(adjustment)))
        {
            throw Wrong($"the adjustment for {PriceAdjustments.NameOf(adjustment)} is there twice; keep one of the two", line);
        }

        _adjustments.Add(adjustment);
    }

    private void ReadVolume(List<PriceStep> steps)
    {
        Expect(JsonTokenType.StartObject, "'volume' must be a JSON object");
        var volume = Line();
        while (NextProperty() is { } name)
        {
            switch (name)
            {
                case "period":
                    if (Text(name) is not "month" and var period)
                    {
                        throw Wrong($"the period '{period}' is not known; requests are counted by \"month\", which begins at midnight UTC");
                    }

                    break;
                case "steps":
                    Expect(JsonTokenType.StartArray, "'steps' must be a list");
                    while (Next() != JsonTokenType.EndArray)
                    {
                        steps.Add(ReadStep(steps));
                    }

                    break;
                default:
                    throw Unknown(name, "of 'volume'");
            }
        }

        if (steps.Count == 0)
        {
            throw Wrong("'volume' needs 'steps', each with 'above_requests' and the rates that change", volume);
        }
    }

    private PriceStep ReadStep(List<PriceStep> before)
    {
        Expect(JsonTokenType.StartObject, "a step must be a JSON object");
        var (line, above) = (Line(), 0L);
        var rates = new decimal?[RateCard.Kinds];
        while (NextProperty() is { } name)
        {
            if (name == "above_requests")
            {
                above = Count(name);
            }
            else if (!ReadRate(name, rates))
            {
                throw Unknown(name, "of a step");
            }
        }

        if (above == 0 || before.Exists(step => step.AboveRequests == above))
        {
            throw Wrong("a step needs an 'above_requests' that no other step has", line);
        }

        return new(above, new(rates));
    }

    private readonly decimal Number(string name)
    {
        decimal number;
        if (_reader.TokenType == JsonTokenType.Number)
        {
            return _reader.TryGetDecimal(out number) ? number : throw Wrong($"'{name}' is not a number that money can be counted with");
        }

        return decimal.TryParse(Text(name), RateStyles, CultureInfo.InvariantCulture, out number)
            ? number
            : throw Wrong($"'{name}' is '{_reader.GetString()}', which is not a number; write it like \"2.50\"");
    }

    private readonly decimal Multiplier(string name) => Number(name) switch
    {
        <= 0 or > MaxMultiplier => throw Wrong($"the multiplier '{name}' must be above zero and at most {MaxMultiplier}; 1.1 is ten percent more"),
        var multiplier => multiplier,
    };

    private List<PriceTier> ReadTiers()
    {
        Expect(JsonTokenType.StartArray, "'tiers' must be a list");
        List<PriceTier> tiers = [];
        while (Next() != JsonTokenType.EndArray)
        {
            Expect(JsonTokenType.StartObject, "a tier must be a JSON object");
            var line = Line();
            var (aboveInput, aboveOutput, reasoning) = (0L, 0L, false);
            var rates = new decimal?[RateCard.Kinds];
            while (NextProperty() is { } name)
            {
                switch (name)
                {
                    case "above_input_tokens":
                        aboveInput = Count(name);
                        break;
                    case "above_output_tokens":
                        aboveOutput = Count(name);
                        break;
                    case "with_reasoning":
                        reasoning = _reader.TokenType == JsonTokenType.True;
                        break;
                    default:
                        if (!ReadRate(name, rates))
                        {
                            throw Unknown(name, "of a tier");
                        }

                        break;
                }
            }

            if (aboveInput == 0 && aboveOutput == 0 && !reasoning)
            {
                throw Wrong("a tier needs 'above_input_tokens' (or 'above_output_tokens', or 'with_reasoning')", line);
            }

            tiers.Add(new(aboveInput, aboveOutput, reasoning, new(rates)));
        }

        // Later tiers override earlier ones, so they stand in ascending order; the sort is stable.
        return [.. tiers.OrderBy(tier => tier.AboveInputTokens)];
    }

    private PriceMode ReadMode()
    {
        Expect(JsonTokenType.StartObject, "a mode must be a JSON object");
        List<PriceTier> tiers = [];
        var multiplier = 1m;
        var rates = new decimal?[RateCard.Kinds];
        while (NextProperty() is { } name)
        {
            if (name == "tiers")
            {
                tiers = ReadTiers();
            }
            else if (name == "multiplier")
            {
                multiplier = Multiplier(name);
            }
            else if (!ReadRate(name, rates))
            {
                throw Unknown(name, "of a mode");
            }
        }

        return new(new(rates), tiers, multiplier);
    }

    private PriceWindow ReadWindow()
    {
        Expect(JsonTokenType.StartObject, "a window must be a JSON object");
        var line = Line();
        TimeOnly? from = null, until = null;
        var rates = new decimal?[RateCard.Kinds];
        while (NextProperty() is { } name)
        {
            switch (name)
            {
                case "from":
                    from = Time(name);
                    break;
                case "until":
                    until = Time(name);
                    break;
                default:
                    if (!ReadRate(name, rates))
                    {
                        throw Unknown(name, "of a window");
                    }

                    break;
            }
        }

        return from is { } start && until is { } end && start != end
            ? new(start, end, new(rates))
            : throw Wrong("a window needs 'from' and 'until' as two times of day in UTC, like \"16:30\"", line);
    }

    private JsonTokenType Next() => _reader.Read() ? _reader.TokenType : throw Wrong("the file ends too early");

    /// <summary>Goes to the value of the next property; null at the end of the object.</summary>
    private string? NextProperty()
    {
        if (Next() == JsonTokenType.EndObject)
        {
            return null;
        }

        var name = _reader.GetString()!;
        Next();
        return name;
    }

    private readonly void Expect(JsonTokenType type, string remedy)
    {
        if (_reader.TokenType != type)
        {
            throw Wrong(remedy);
        }
    }

    private readonly string Text(string name) =>
        _reader.TokenType == JsonTokenType.String && _reader.GetString() is { Length: > 0 } text
            ? text
            : throw Wrong($"'{name}' must be a text that is not empty");

    private string[] Texts(string name)
    {
        Expect(JsonTokenType.StartArray, $"'{name}' must be a list of texts");
        List<string> texts = [];
        while (Next() != JsonTokenType.EndArray)
        {
            texts.Add(Text(name));
        }

        return [.. texts];
    }

    private readonly long Count(string name) =>
        _reader.TokenType == JsonTokenType.Number && _reader.TryGetInt64(out var count) && count > 0
            ? count
            : throw Wrong($"'{name}' must be a whole number above zero");

    private readonly string Currency()
    {
        var code = Text("currency").ToUpperInvariant();
        return code.Length == 3 && code.All(char.IsAsciiLetterUpper)
            ? code
            : throw Wrong($"'currency' is '{code}', which is not an ISO 4217 code like USD or CNY");
    }

    private readonly DateOnly Day(string name) =>
        DateOnly.TryParseExact(Text(name), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? day
            : throw Wrong($"'{name}' must be a day like 2026-08-22");

    private readonly TimeOnly Time(string name) =>
        TimeOnly.TryParseExact(Text(name), "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            ? time
            : throw Wrong($"'{name}' must be a time of day like 16:30");

    private readonly int Line() => _json[..(int)_reader.TokenStartIndex].Count((byte)'\n') + 1;

    private readonly LlmCostException Unknown(string name, string where) => Wrong($"'{name}' is not a property {where}");

    private readonly LlmCostException Wrong(string what) => Wrong(what, Line());

    private readonly LlmCostException Wrong(string what, int line) => new($"{_source}, line {line}: {what}.");

    private sealed class Draft
    {
        public string Id { get; set; } = "";

        public string? Provider { get; set; }

        public string Mode { get; set; } = "chat";

        public string[] Aliases { get; set; } = [];

        public string[] StartsWith { get; set; } = [];

        public long? ContextWindow { get; set; }

        public long? MaxOutputTokens { get; set; }

        public string? Encoding { get; set; }

        public string? Currency { get; set; }

        public bool Free { get; set; }

        public DateOnly? Checked { get; set; }

        public string[] Sources { get; set; } = [];

        public List<DatedPrice> Prices { get; set; } = [];

        public int Line { get; init; }
    }

    private sealed class PriceDraft
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
    }
}
