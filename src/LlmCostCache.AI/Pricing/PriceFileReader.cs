using System.Globalization;
using System.Text.Json;

namespace LlmCostCache.AI;

/// <summary>
/// Reads a price file: a header (<c>provider</c>, <c>currency</c>, <c>known_from</c>, <c>checked</c>) and <c>models</c>, each with its rates or
/// with a dated history in <c>prices</c>; the user's may have <c>adjustments</c> (discounts and margins) too. The built-in files
/// and the user's have the same form. An unknown word is an error, because a misspelt rate would silently fall back to another.
/// </summary>
internal ref struct PriceFileReader
{
    private readonly List<PriceAdjustment> _adjustments = [];
    private PriceJsonReader _json;

    private PriceFileReader(ReadOnlySpan<byte> json, string source) => _json = new(json, source);

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
        List<ModelDraft> drafts = [];
        string? provider = null;
        var currency = "USD";
        DateOnly? knownFrom = null;
        DateOnly? checkedOn = null;
        var hasModels = false;
        _json.Next();
        _json.Expect(JsonTokenType.StartObject, "the file must be a JSON object with a list 'models'");
        while (_json.NextProperty() is { } name)
        {
            switch (name)
            {
                case "provider":
                    provider = _json.Text(name);
                    break;
                case "currency":
                    currency = _json.Currency();
                    break;
                case "known_from":
                    knownFrom = _json.Day(name);
                    break;
                case "checked":
                    checkedOn = _json.Day(name);
                    break;
                case "schema":
                    var schema = _json.Text(name);
                    if (schema != "llmcostcache-prices/1")
                    {
                        throw _json.Wrong($"the schema '{schema}' is not known; this version reads 'llmcostcache-prices/1'");
                    }

                    break;
                case "unit" or "note":
                    _json.Text(name);
                    break;
                case "models":
                    hasModels = true;
                    _json.Expect(JsonTokenType.StartArray, "'models' must be a list");
                    while (_json.Next() != JsonTokenType.EndArray)
                    {
                        drafts.Add(ReadModel());
                    }

                    break;
                case "adjustments":
                    _json.Expect(JsonTokenType.StartArray, "'adjustments' must be a list");
                    while (_json.Next() != JsonTokenType.EndArray)
                    {
                        ReadAdjustment();
                    }

                    break;
                default:
                    throw _json.Unknown(name, "of the file");
            }
        }

        _json.End();
        if (!hasModels && _adjustments.Count == 0)
        {
            throw _json.Wrong("the file has no list 'models'");
        }

        return Build(drafts, provider, currency, knownFrom, checkedOn);
    }

    private readonly List<PriceEntry> Build(List<ModelDraft> drafts, string? provider, string currency, DateOnly? knownFrom, DateOnly? checkedOn)
    {
        Dictionary<string, int> lines = new(StringComparer.OrdinalIgnoreCase);
        List<PriceEntry> entries = new(drafts.Count);
        foreach (var draft in drafts)
        {
            var seller = draft.IsForAny ? null : draft.Provider ?? provider;
            var key = seller is null ? "" : PriceLayer.Key(seller);
            foreach (var name in draft.Aliases.Prepend(draft.Id))
            {
                if (!lines.TryAdd($"{key}\n{name}", draft.Line))
                {
                    var first = lines[$"{key}\n{name}"];
                    throw _json.Wrong($"'{name}' has a price already, in line {first}; keep one of the two", draft.Line);
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
                Note = draft.Note,
                Checked = draft.Checked ?? checkedOn,
                KnownFrom = knownFrom?.ToString("O", CultureInfo.InvariantCulture) ?? "override",
                Line = draft.Line,
            });
        }

        return entries;
    }

    private ModelDraft ReadModel()
    {
        _json.Expect(JsonTokenType.StartObject, "a model must be a JSON object");
        var draft = new ModelDraft { Line = _json.Line() };
        var flat = new PriceDraft();
        List<DatedPrice>? dated = null;
        string? id = null;
        while (_json.NextProperty() is { } name)
        {
            switch (name)
            {
                case "id":
                    id = _json.Text(name);
                    break;
                case "provider":
                    draft.IsForAny = _json.TokenType == JsonTokenType.Null;
                    draft.Provider = draft.IsForAny ? null : _json.Text(name);
                    break;
                case "mode":
                    draft.Mode = _json.Text(name);
                    break;
                case "aliases":
                    draft.Aliases = _json.Texts(name);
                    break;
                case "starts_with":
                    draft.StartsWith = _json.Texts(name);
                    break;
                case "context_window":
                    draft.ContextWindow = _json.Count(name);
                    break;
                case "max_output_tokens":
                    draft.MaxOutputTokens = _json.Count(name);
                    break;
                case "encoding":
                    draft.Encoding = _json.Text(name);
                    break;
                case "currency":
                    draft.Currency = _json.Currency();
                    break;
                case "free":
                    draft.Free = _json.TokenType == JsonTokenType.True;
                    break;
                case "checked":
                    draft.Checked = _json.Day(name);
                    break;
                case "note":
                    draft.Note = _json.Text(name);
                    break;
                case "sources":
                    draft.Sources = _json.Texts(name);
                    break;
                case "prices":
                    dated = [];
                    _json.Expect(JsonTokenType.StartArray, "'prices' must be a list");
                    while (_json.Next() != JsonTokenType.EndArray)
                    {
                        _json.Expect(JsonTokenType.StartObject, "a price must be a JSON object");
                        var price = new PriceDraft();
                        var line = _json.Line();
                        while (_json.NextProperty() is { } rate)
                        {
                            if (!PricePartReader.TryRead(ref _json, rate, price))
                            {
                                throw _json.Unknown(rate, "of a price");
                            }
                        }

                        dated.Add(price.Finish(_json, draft.Mode, line));
                    }

                    break;
                default:
                    if (!PricePartReader.TryRead(ref _json, name, flat))
                    {
                        throw _json.Unknown(name, "of a model");
                    }

                    break;
            }
        }

        draft.Id = string.IsNullOrWhiteSpace(id) ? throw _json.Wrong("the model has no 'id'", draft.Line) : id;
        if (dated is not null && (flat.IsTouched || Array.Exists(flat.Rates, rate => rate is not null)))
        {
            throw _json.Wrong($"'{id}' has rates beside its list 'prices'; write them in one of the two places", draft.Line);
        }

        draft.Prices = dated ?? [flat.Finish(_json, draft.Mode, draft.Line)];
        if (draft.Prices.Count == 0)
        {
            throw _json.Wrong($"'{id}' has no price", draft.Line);
        }

        return draft;
    }

    /// <summary>The prices in the order of their days. Two of the same day are a price and its correction, so they must have become known on different days.</summary>
    private readonly DatedPrice[] History(ModelDraft draft, DateOnly? knownFrom)
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
                throw _json.Wrong($"'{draft.Id}' has two prices that take effect on the same day and became known on the same day", draft.Line);
            }
        }

        return prices;
    }

    private void ReadAdjustment()
    {
        _json.Expect(JsonTokenType.StartObject, "an adjustment must be a JSON object");
        var line = _json.Line();
        var adjustment = new PriceAdjustment();
        while (_json.NextProperty() is { } name)
        {
            adjustment = name switch
            {
                "provider" => adjustment with { Provider = _json.Text(name) },
                "model" => adjustment with { Model = _json.Text(name) },
                "discount" => adjustment with { Discount = _json.Share(name) },
                "margin" => adjustment with { Margin = _json.Share(name) },
                _ => throw _json.Unknown(name, "of an adjustment"),
            };
        }

        if (adjustment.Fault is { } fault)
        {
            throw _json.Wrong(fault, line);
        }

        if (_adjustments.Exists(other => PriceAdjustments.KeyOf(other) == PriceAdjustments.KeyOf(adjustment)))
        {
            throw _json.Wrong($"the adjustment for {PriceAdjustments.NameOf(adjustment)} is there twice; keep one of the two", line);
        }

        _adjustments.Add(adjustment);
    }
}
