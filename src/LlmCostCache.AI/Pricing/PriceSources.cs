using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>The sources that override the built-in prices: code, the JSON in <c>LLMCOSTCACHE_PRICES</c>, <c>prices.json</c> in the home directory.</summary>
/// <param name="Layers">Their prices, strongest first.</param>
/// <param name="Adjustments">Their discounts and margins.</param>
internal sealed record PriceSources(IReadOnlyList<PriceLayer> Layers, PriceAdjustments Adjustments)
{
    /// <exception cref="LlmCostException">One cannot be read; the message names source and line.</exception>
    public static PriceSources Load(LlmCostsOptions options, string? homeDirectory, Func<string, string?> environment)
    {
        List<PriceLayer> layers = [];
        List<IReadOnlyList<PriceAdjustment>> adjustments = [PriceAdjustments.FromCode(options.PriceAdjustments)];
        if (options.Prices.Count > 0)
        {
            layers.Add(new(FromCode(options.Prices), "code", "LlmCostsOptions.Prices"));
        }

        if (PriceSource.FromVariable(PriceBook.VariableName, environment(PriceBook.VariableName)) is { } variable)
        {
            layers.Add(new(PriceFileReader.Read(variable.Json, variable.Name, out var adjusted), "environment", variable.Name));
            adjustments.Add(adjusted);
        }

        if (PriceSource.FromHome(homeDirectory, PriceBook.FileName) is { } file)
        {
            layers.Add(new(PriceFileReader.Read(file.Json, file.Name, out var adjusted), "file", file.Name));
            adjustments.Add(adjusted);
        }

        adjustments.RemoveAll(source => source.Count == 0);
        return new(layers, new(adjustments));
    }

    private static List<PriceEntry> FromCode(IList<ModelPrice> prices)
    {
        HashSet<(string, string)> seen = [];
        List<PriceEntry> entries = [];
        foreach (var price in prices)
        {
            var where = $"LlmCostsOptions.Prices, '{price.Model}'";
            var seller = string.IsNullOrWhiteSpace(price.Provider) ? "" : PriceLayer.Key(price.Provider);
            if (!seen.Add((seller, price.Model.ToUpperInvariant())))
            {
                throw new LlmCostException($"{where}: has a price already; keep one of the two.");
            }

            decimal?[] rates =
            [
                price.InputPerMillion, price.CachedInputPerMillion, price.CacheWrite5mPerMillion, price.CacheWrite1hPerMillion,
                price.InputAudioPerMillion, null, price.InputImagePerMillion, price.CachedImagePerMillion, price.InputVideoPerMillion, price.CitationPerMillion,
                price.OutputPerMillion, price.ReasoningPerMillion, price.OutputAudioPerMillion, price.OutputImagePerMillion, price.OutputVideoPerMillion,
                price.PerWebSearch, price.PerRequest,
                price.PerImage, price.PerAudioSecond, price.PerVideoSecond, price.PerComputeSecond, price.CharactersPerMillion, price.StoragePerGigabyteDay,
            ];
            RefuseNegative(rates, where);

            if (price.Multiplier <= 0m || price.Regions.Values.Any(multiplier => multiplier <= 0m))
            {
                throw new LlmCostException($"{where}: a multiplier must be above zero; 1.1 is ten percent more.");
            }

            if (price.ContextWindow <= 0 || price.MaxOutputTokens <= 0)
            {
                throw new LlmCostException($"{where}: ContextWindow and MaxOutputTokens must be above zero, or null when not known.");
            }

            var currency = price.Currency?.Trim().ToUpperInvariant() ?? "";
            if (currency.Length != 3 || !currency.All(char.IsAsciiLetterUpper))
            {
                throw new LlmCostException($"{where}: the currency '{price.Currency}' is not an ISO 4217 code like USD or CNY.");
            }

            entries.Add(new()
            {
                Provider = string.IsNullOrWhiteSpace(price.Provider) ? null : price.Provider,
                Id = price.Model,
                ContextWindow = price.ContextWindow,
                MaxOutputTokens = price.MaxOutputTokens,
                Currency = currency,
                KnownFrom = PriceRevision.Code,
                IsAgreed = true,
                Prices =
                [
                    new(new RateCard(rates).Times(price.Multiplier), StepsOf(price, where))
                    {
                        Regions = new Dictionary<string, decimal>(price.Regions, StringComparer.OrdinalIgnoreCase),
                    },
                ],
                Sources = ["code"],
            });
        }

        return entries;
    }

    private static List<PriceStep> StepsOf(ModelPrice price, string where)
    {
        List<PriceStep> steps = [];
        foreach (var step in price.VolumeSteps)
        {
            if (step.AboveRequests <= 0 || steps.Exists(other => other.AboveRequests == step.AboveRequests))
            {
                throw new LlmCostException(string.Create(CultureInfo.InvariantCulture, $"{where}: there is a step above {step.AboveRequests} requests; steps need different numbers above zero."));
            }

            var rates = new decimal?[RateCard.Kinds];
            rates[(int)RateKind.Input] = step.InputPerMillion;
            rates[(int)RateKind.CachedInput] = step.CachedInputPerMillion;
            rates[(int)RateKind.Output] = step.OutputPerMillion;
            rates[(int)RateKind.Reasoning] = step.ReasoningPerMillion;
            rates[(int)RateKind.WebSearch] = step.PerWebSearch;
            rates[(int)RateKind.Request] = step.PerRequest;
            RefuseNegative(rates, where);
            steps.Add(new(step.AboveRequests, new RateCard(rates).Times(price.Multiplier)));
        }

        return steps;
    }

    private static void RefuseNegative(decimal?[] rates, string where)
    {
        var negative = Array.FindIndex(rates, rate => rate < 0m);
        if (negative >= 0)
        {
            var rate = rates[negative]?.ToString(CultureInfo.InvariantCulture);
            throw new LlmCostException($"{where}: '{RateCard.FieldNames[negative]}' is {rate}; a price cannot be negative.");
        }
    }
}
