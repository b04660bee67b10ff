using System.Text.Json;

namespace LlmCostCache.AI.Cli.Importing;

/// <summary>A price list that was read: its models in our units, and what could not be taken over.</summary>
internal sealed class SourceList(SourceForm form, SourceDocument document)
{
    private readonly Dictionary<string, SourceModel> _byName = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<SourceModel> _models = [];

    public SourceForm Form { get; } = form;

    public SourceDocument Document { get; } = document;

    public IReadOnlyList<SourceModel> Models => _models;

    /// <summary>Fields that speak of costs and that are not understood, and how often each was there.</summary>
    public SortedDictionary<string, int> UnknownFields { get; } = new(StringComparer.Ordinal);

    /// <summary>Models that name no price at all.</summary>
    public int WithoutPrice { get; private set; }

    /// <summary>Models that are billed in units that our files have no rate for.</summary>
    public int InOtherUnits { get; private set; }

    /// <exception cref="LlmCostException">It is not of the form.</exception>
    public static SourceList Read(SourceDocument document, SourceForm? form)
    {
        try
        {
            var list = new SourceList(form ?? Detect(document), document);
            switch (list.Form)
            {
                case SourceForm.LiteLlm:
                    LiteLlmList.Read(list);
                    break;
                case SourceForm.GenAiPrices:
                    GenAiPricesList.Read(list);
                    break;
                case SourceForm.ModelsDev:
                    ModelsDevList.Read(list);
                    break;
                default:
                    foreach (var entry in PriceFileReader.Read(document.Bytes.Span, document.Name))
                    {
                        list._models.Add(new(entry, []));
                    }

                    break;
            }

            return list;
        }
        catch (InvalidOperationException notText)
        {
            throw new LlmCostException($"{document.Name}: a text in it is not valid UTF-8.", notText);
        }
    }

    public void Unknown(string field) => UnknownFields[field] = UnknownFields.GetValueOrDefault(field) + 1;

    /// <summary>Takes a model with the prices that the list has for it.</summary>
    public void Add(string provider, string id, string mode, JsonElement at, long? context, long? maxOutput, string source, params RateSheet[] sheets)
    {
        List<PriceFinding> problems = [.. sheets.SelectMany(sheet => sheet.Problems)];
        var prices = sheets.Select(sheet => sheet.ToPrice()).OfType<DatedPrice>().ToArray();
        if (prices.Length == 0 && problems.Count == 0)
        {
            _ = Array.Exists(sheets, sheet => sheet.HasOtherUnits) ? InOtherUnits++ : WithoutPrice++;
            return;
        }

        // Nothing for tokens and something for pixels is not a model that is free.
        if (Array.TrueForAll(prices, price => price.IsFree) && Array.Exists(sheets, sheet => sheet.HasOtherUnits))
        {
            InOtherUnits++;
            return;
        }

        var model = new SourceModel(
            new()
            {
                Provider = SourceProviders.Of(provider),
                Id = id,
                Mode = mode,
                ContextWindow = context,
                MaxOutputTokens = maxOutput,
                Prices = prices,
                Sources = [source],
                Line = Document.LineOf(at),
            },
            problems);
        if (_byName.TryAdd(model.Name, model))
        {
            _models.Add(model);
            return;
        }

        var first = _byName[model.Name];
        if (!model.Entry.CostsTheSameAs(first.Entry))
        {
            var index = _models.FindIndex(other => ReferenceEquals(other, first));
            var twice = new PriceFinding(PriceConcern.Duplicate, $"it is there twice with two prices, in lines {first.Entry.Line} and {model.Entry.Line}");
            _models[index] = _byName[model.Name] = first with { Problems = [.. first.Problems, twice] };
        }
    }

    /// <summary>A count of tokens; null when there is none that can be meant.</summary>
    public static long? Count(JsonElement parent, params string[] names)
    {
        foreach (var name in names)
        {
            if (parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var count) && count > 0)
            {
                return count;
            }
        }

        return null;
    }

    private static SourceForm Detect(SourceDocument document)
    {
        var root = document.Root;
        if (root.ValueKind == JsonValueKind.Array)
        {
            return SourceForm.GenAiPrices;
        }

        if (root.ValueKind == JsonValueKind.Object)
        {
            if (root.TryGetProperty("models", out var models) && models.ValueKind == JsonValueKind.Array)
            {
                return SourceForm.LlmCost;
            }

            foreach (var property in root.EnumerateObject().Where(property => property.Value.ValueKind == JsonValueKind.Object))
            {
                if (property.Value.TryGetProperty("models", out var inner) && inner.ValueKind == JsonValueKind.Object)
                {
                    return SourceForm.ModelsDev;
                }

                if (property.Value.TryGetProperty("litellm_provider", out _) || property.Value.EnumerateObject().Any(field => field.Name.Contains("cost_per_", StringComparison.Ordinal)))
                {
                    return SourceForm.LiteLlm;
                }
            }
        }

        throw new UsageException($"{document.Name} is not a price list of LiteLLM, genai-prices, models.dev or llmcost; if it is one of them, say which with --from.");
    }
}
