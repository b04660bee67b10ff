using System.Text.Json;

namespace LlmCostCache.AI.Cli.Importing;

/// <summary>Reads models.dev's <c>api.json</c>: providers by id, their models by id, each with <c>cost</c> in dollars per million.</summary>
internal static class ModelsDevList
{
    private const string LongContext = "context_over_200k";

    private static readonly Dictionary<string, string> s_fields = new(StringComparer.Ordinal)
    {
        ["input"] = "input",
        ["output"] = "output",
        ["cache_read"] = "cached_input",
        ["cache_write"] = "cache_write_5m",
        ["reasoning"] = "reasoning",
        ["input_audio"] = "input_audio",
        ["output_audio"] = "output_audio",
    };

    public static void Read(SourceList list)
    {
        var document = list.Document;
        Expect(document, document.Root, "the file must be a JSON object by provider");
        foreach (var provider in document.Root.EnumerateObject())
        {
            Expect(document, provider.Value, $"the provider '{provider.Name}' must be a JSON object");
            if (!provider.Value.TryGetProperty("models", out var models))
            {
                continue;
            }

            Expect(document, models, $"the models of '{provider.Name}' must be a JSON object by id");
            foreach (var model in models.EnumerateObject())
            {
                Expect(document, model.Value, $"the model '{model.Name}' must be a JSON object");
                var sheet = new RateSheet();
                if (model.Value.TryGetProperty("cost", out var cost) && cost.ValueKind != JsonValueKind.Null)
                {
                    Expect(document, cost, $"the cost of '{model.Name}' must be a JSON object");
                    ReadCost(list, sheet, cost);
                }

                var limit = model.Value.TryGetProperty("limit", out var limits) && limits.ValueKind == JsonValueKind.Object ? limits : default(JsonElement?);
                list.Add(
                    provider.Name, model.Name, "chat", model.Value, limit is { } window ? SourceList.Count(window, "context") : null,
                    limit is { } most ? SourceList.Count(most, "output") : null, "models.dev", sheet);
            }
        }
    }

    private static void ReadCost(SourceList list, RateSheet sheet, JsonElement cost)
    {
        foreach (var field in cost.EnumerateObject())
        {
            if (s_fields.TryGetValue(field.Name, out var rate))
            {
                sheet.Set(rate, field.Value, 1m);
            }
            else if (field.Name == LongContext && field.Value.ValueKind == JsonValueKind.Object)
            {
                ReadTier(list, sheet, field.Value, 200_000);
            }
            else if (field.Name == "tiers" && field.Value.ValueKind == JsonValueKind.Array)
            {
                foreach (var tier in field.Value.EnumerateArray())
                {
                    if (tier.ValueKind == JsonValueKind.Object && tier.TryGetProperty("tier", out var size) && size.ValueKind == JsonValueKind.Object && SourceList.Count(size, "size") is { } above)
                    {
                        ReadTier(list, sheet, tier, above);
                    }
                    else
                    {
                        list.Unknown("cost.tiers");
                    }
                }
            }
            else
            {
                list.Unknown($"cost.{field.Name}");
            }
        }
    }

    private static void ReadTier(SourceList list, RateSheet sheet, JsonElement tier, long above)
    {
        foreach (var field in tier.EnumerateObject().Where(field => field.Name != "tier"))
        {
            if (s_fields.TryGetValue(field.Name, out var rate))
            {
                sheet.Set(rate, field.Value, 1m, above: above);
            }
            else
            {
                list.Unknown($"cost.tier.{field.Name}");
            }
        }
    }

    private static void Expect(SourceDocument document, JsonElement value, string what)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            throw document.Wrong(value, what);
        }
    }
}
