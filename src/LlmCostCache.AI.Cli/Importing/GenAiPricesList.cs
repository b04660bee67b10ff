using System.Globalization;
using System.Text.Json;

namespace LlmCostCache.AI.Cli.Importing;

/// <summary>Reads genai-prices' <c>data.json</c> or <c>data_slim.json</c>: providers with their models, prices per million or thousand, tiers, dates and times of day.</summary>
internal static class GenAiPricesList
{
    private static readonly Dictionary<string, (string Field, decimal Factor)> s_fields = new(StringComparer.Ordinal)
    {
        ["input_mtok"] = ("input", 1m),
        ["output_mtok"] = ("output", 1m),
        ["cache_read_mtok"] = ("cached_input", 1m),
        ["cache_write_mtok"] = ("cache_write_5m", 1m),
        ["cache_write_1h_mtok"] = ("cache_write_1h", 1m),
        ["input_audio_mtok"] = ("input_audio", 1m),
        ["cache_audio_read_mtok"] = ("cached_audio", 1m),
        ["output_audio_mtok"] = ("output_audio", 1m),
        ["input_image_mtok"] = ("input_image", 1m),
        ["cache_image_read_mtok"] = ("cached_image", 1m),
        ["output_image_mtok"] = ("output_image", 1m),
        ["input_video_mtok"] = ("input_video", 1m),
        ["output_video_mtok"] = ("output_video", 1m),
        ["output_reasoning_mtok"] = ("reasoning", 1m),
        ["output_citation_mtok"] = ("citation", 1m),
        ["requests_kcount"] = ("per_request", 0.001m),
        ["web_searches_kcount"] = ("web_search_call", 0.001m),
    };

    public static void Read(SourceList list)
    {
        var document = list.Document;
        var providers = document.Root.ValueKind == JsonValueKind.Object && document.Root.TryGetProperty("providers", out var inner) ? inner : document.Root;
        foreach (var provider in Items(document, providers, "the file must be a list of providers"))
        {
            var name = Text(document, provider, "id");
            if (!provider.TryGetProperty("models", out var models))
            {
                continue;
            }

            foreach (var model in Items(document, models, $"the models of '{name}' must be a list"))
            {
                var id = Text(document, model, "id");
                var sheets = model.TryGetProperty("prices", out var prices) ? ReadPrices(list, prices) : [];

                // There is no field for what a model does; without a price of output it answers with numbers.
                var mode = sheets.Length > 0 && Array.TrueForAll(sheets, sheet => sheet["output"] is null) ? "embedding" : "chat";
                list.Add(name, id, mode, model, SourceList.Count(model, "context_window"), null, "genai-prices", sheets);
            }
        }
    }

    private static RateSheet[] ReadPrices(SourceList list, JsonElement prices)
    {
        if (prices.ValueKind != JsonValueKind.Array)
        {
            var only = new RateSheet();
            ReadRates(list, only, prices);
            return [only];
        }

        List<RateSheet> sheets = [];
        foreach (var item in Items(list.Document, prices, ""))
        {
            var sheet = new RateSheet();
            ReadRates(list, sheet, item.TryGetProperty("prices", out var rates) ? rates : throw list.Document.Wrong(item, "a price has no 'prices'"));
            if (!item.TryGetProperty("constraint", out var constraint) || constraint.ValueKind != JsonValueKind.Object)
            {
                sheets.Add(sheet);
            }
            else if (constraint.TryGetProperty("start_date", out var start) && start.ValueKind == JsonValueKind.String && Instants.TryParseDay(start.GetString()!, out var day))
            {
                sheet.EffectiveFrom = day;
                sheets.Add(sheet);
            }
            else if (sheets.Count > 0 && Time(constraint, "start_time") is { } from && Time(constraint, "end_time") is { } until && from != until)
            {
                sheets[^1].Problems.AddRange(sheet.Problems);
                sheets[^1].AddWindow(from, until, sheet);
            }
            else
            {
                list.Unknown($"constraint ({string.Join(", ", constraint.EnumerateObject().Select(field => field.Name))})");
            }
        }

        return [.. sheets];
    }

    private static void ReadRates(SourceList list, RateSheet sheet, JsonElement rates)
    {
        if (rates.ValueKind != JsonValueKind.Object)
        {
            throw list.Document.Wrong(rates, "the prices of a model must be a JSON object");
        }

        foreach (var rate in rates.EnumerateObject())
        {
            var isTiered = rate.Value.ValueKind == JsonValueKind.Object;
            if (!s_fields.TryGetValue(rate.Name, out var known) || !RateSheet.Holds(known.Field))
            {
                list.Unknown(rate.Name);
                sheet.SetOther(isTiered && rate.Value.TryGetProperty("base", out var other) ? other : rate.Value);
            }
            else if (!isTiered)
            {
                sheet.Set(known.Field, rate.Value, known.Factor);
            }
            else
            {
                ReadTiers(list, sheet, known.Field, known.Factor, rate.Value);
            }
        }
    }

    private static void ReadTiers(SourceList list, RateSheet sheet, string field, decimal factor, JsonElement tiered)
    {
        if (tiered.TryGetProperty("base", out var first))
        {
            sheet.Set(field, first, factor);
        }

        if (!tiered.TryGetProperty("tiers", out var tiers))
        {
            return;
        }

        foreach (var tier in Items(list.Document, tiers, "'tiers' must be a list"))
        {
            if (SourceList.Count(tier, "start") is { } above && tier.TryGetProperty("price", out var price))
            {
                sheet.Set(field, price, factor, above: above);
            }
            else
            {
                throw list.Document.Wrong(tier, "a tier needs 'start' and 'price'");
            }
        }
    }

    private static IEnumerable<JsonElement> Items(SourceDocument document, JsonElement list, string what)
    {
        if (list.ValueKind != JsonValueKind.Array)
        {
            throw document.Wrong(list, what);
        }

        foreach (var item in list.EnumerateArray())
        {
            yield return item.ValueKind == JsonValueKind.Object ? item : throw document.Wrong(item, "a JSON object was expected here");
        }
    }

    private static string Text(SourceDocument document, JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text
            ? text
            : throw document.Wrong(parent, $"'{name}' must be a text that is not empty");

    private static TimeOnly? Time(JsonElement constraint, string name) =>
        constraint.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
        && TimeOnly.TryParseExact(value.GetString()!.TrimEnd('Z'), ["HH:mm:ss", "HH:mm"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            ? time
            : null;
}
