using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace LlmCostCache.AI.Cli.Importing;

/// <summary>
/// Reads LiteLLM's <c>model_prices_and_context_window.json</c>: models by name, dollars per token, with the service tier, the size of the prompt and the
/// lifetime of the cache in the names of the fields.
/// </summary>
internal static partial class LiteLlmList
{
    private static readonly Dictionary<string, string> s_tokens = new(StringComparer.Ordinal)
    {
        ["input_cost_per_token"] = "input",
        ["output_cost_per_token"] = "output",
        ["output_cost_per_reasoning_token"] = "reasoning",
        ["cache_read_input_token_cost"] = "cached_input",
        ["cache_creation_input_token_cost"] = "cache_write_5m",
        ["input_cost_per_audio_token"] = "input_audio",
        ["cache_read_input_audio_token_cost"] = "cached_audio",
        ["output_cost_per_audio_token"] = "output_audio",
        ["input_cost_per_image_token"] = "input_image",
        ["cache_read_input_image_token_cost"] = "cached_image",
        ["output_cost_per_image_token"] = "output_image",
        ["input_cost_per_video_token"] = "input_video",
        ["output_cost_per_video_token"] = "output_video",
        ["citation_cost_per_token"] = "citation",
    };

    public static void Read(SourceList list)
    {
        var document = list.Document;
        if (document.Root.ValueKind != JsonValueKind.Object)
        {
            throw document.Wrong(document.Root, "the file must be a JSON object by model");
        }

        foreach (var model in document.Root.EnumerateObject().Where(model => model.Name != "sample_spec"))
        {
            if (model.Value.ValueKind != JsonValueKind.Object)
            {
                throw document.Wrong(model.Value, $"the model '{model.Name}' must be a JSON object");
            }

            var mode = Text(model.Value, "mode") ?? "chat";
            var sheet = new RateSheet();
            foreach (var field in model.Value.EnumerateObject())
            {
                ReadField(list, sheet, field, mode, model.Value);
            }

            var provider = Text(model.Value, "litellm_provider");
            var id = WithoutProvider(model.Name, ref provider);
            list.Add(provider ?? "unknown", id, mode, model.Value, SourceList.Count(model.Value, "max_input_tokens", "max_tokens"), SourceList.Count(model.Value, "max_output_tokens"), "litellm", sheet);
        }
    }

    private static void ReadField(SourceList list, RateSheet sheet, JsonProperty field, string mode, JsonElement model)
    {
        if (!IsAboutCost(field.Name))
        {
            return;
        }

        var (name, serviceTier, above, isHour) = Taken(field.Name);
        var plain = serviceTier is null && above == 0 && !isHour;
        if (s_tokens.TryGetValue(name, out var rate) && RateSheet.Holds(rate) && (!isHour || rate == "cache_write_5m"))
        {
            sheet.Set(isHour ? "cache_write_1h" : rate, field.Value, RateSheet.Million, serviceTier, above);
        }
        else if (plain && PieceOf(name, mode, model) is { } piece && RateSheet.Holds(piece.Field))
        {
            sheet.Set(piece.Field, field.Value, piece.Factor);
        }
        else if (plain && name == "search_context_cost_per_query" && SameForAllSizes(field.Value) is { } search)
        {
            sheet.Set("web_search_call", search, 1m);
        }
        else if (plain && name == "tiered_pricing" && field.Value.ValueKind == JsonValueKind.Array)
        {
            ReadTieredPricing(list, sheet, field.Value);
        }
        else
        {
            list.Unknown(field.Name);
            if (field.Value.ValueKind == JsonValueKind.Number)
            {
                sheet.SetOther(field.Value);
            }
        }
    }

    /// <summary>What is billed by the piece. Seconds and characters are taken where they are all that is billed: beside token prices they say the same again.</summary>
    private static (string Field, decimal Factor)? PieceOf(string name, string mode, JsonElement model) => (name, mode) switch
    {
        ("input_cost_per_request", _) => ("per_request", 1m),
        ("output_cost_per_image", "image_generation" or "image_edit") => ("image", 1m),
        ("input_cost_per_second", "audio_transcription") => ("audio_second", 1m),

        // Speech recognition is listed with one price under two names; the second time it is not another price.
        ("output_cost_per_second", "audio_transcription") when !model.TryGetProperty("input_cost_per_second", out _) => ("audio_second", 1m),
        ("output_cost_per_second" or "output_cost_per_video_per_second", "video_generation") => ("video_second", 1m),
        ("input_cost_per_character", "audio_speech") => ("characters", RateSheet.Million),
        _ => null,
    };

    /// <summary>Alibaba's form: a list of ranges of the prompt with the rates that hold in each.</summary>
    private static void ReadTieredPricing(SourceList list, RateSheet sheet, JsonElement tiers)
    {
        foreach (var tier in tiers.EnumerateArray())
        {
            if (tier.ValueKind != JsonValueKind.Object || !tier.TryGetProperty("range", out var range) || range.ValueKind != JsonValueKind.Array || range.GetArrayLength() != 2
                || !SourceNumber.TryRead(range[0], 1m, out var from, out _) || from != decimal.Truncate(from) || from > long.MaxValue)
            {
                list.Unknown("tiered_pricing");
                continue;
            }

            foreach (var field in tier.EnumerateObject().Where(field => field.Name != "range"))
            {
                if (s_tokens.TryGetValue(field.Name, out var rate) && RateSheet.Holds(rate))
                {
                    sheet.Set(rate, field.Value, RateSheet.Million, above: (long)from);
                }
                else
                {
                    list.Unknown($"tiered_pricing.{field.Name}");
                }
            }
        }
    }

    private static (string Name, string? ServiceTier, long Above, bool IsHour) Taken(string field)
    {
        var (name, serviceTier, above, isHour) = (field, default(string), 0L, false);
        while (Ending().Match(name) is { Success: true } ending)
        {
            name = name[..ending.Index];
            switch (ending.Groups[1].Value)
            {
                case "batches":
                    serviceTier = "batch";
                    break;
                case "flex" or "priority":
                    serviceTier = ending.Groups[1].Value;
                    break;
                case "above_1hr":
                    isHour = true;
                    break;
                default:
                    above = long.Parse(ending.Groups[2].ValueSpan, CultureInfo.InvariantCulture) * 1000;
                    break;
            }
        }

        return (name, serviceTier, above, isHour);
    }

    /// <summary>The price of a search where it is the same for every size of its context; null where it differs, and any choice would be a guess.</summary>
    private static JsonElement? SameForAllSizes(JsonElement bySize)
    {
        if (bySize.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var sizes = bySize.EnumerateObject().Select(size => size.Value).ToArray();
        return sizes.Length > 0 && Array.TrueForAll(sizes, size => size.GetRawText() == sizes[0].GetRawText()) ? sizes[0] : null;
    }

    /// <summary><c>gemini/gemini-2.5-pro</c> of the provider <c>gemini</c> is <c>gemini-2.5-pro</c>.</summary>
    private static string WithoutProvider(string name, ref string? provider)
    {
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        if (slash <= 0)
        {
            return name;
        }

        if (provider is null)
        {
            provider = name[..slash];
            return name[(slash + 1)..];
        }

        return string.Equals(SourceProviders.Of(name[..slash]), SourceProviders.Of(provider), StringComparison.OrdinalIgnoreCase) ? name[(slash + 1)..] : name;
    }

    private static bool IsAboutCost(string field) =>
        field.Contains("cost", StringComparison.Ordinal) || field.Contains("pric", StringComparison.Ordinal) || field.Contains("multiplier", StringComparison.Ordinal);

    private static string? Text(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? text : null;

    [GeneratedRegex("_(batches|flex|priority|above_1hr|above_([0-9]{1,9})k_tokens)$")]
    private static partial Regex Ending();
}
