using System.Globalization;
using Microsoft.Extensions.Configuration;
using static LlmCostCache.AI.ConfigurationValue;

namespace LlmCostCache.AI;

/// <summary>Prices, discounts and exchange rates of a configuration. What they may be is checked where the price book is made.</summary>
internal static class PriceConfiguration
{
    public static ModelPrice PriceOf(IConfigurationSection section)
    {
        var model = section["Model"] is { } id && !string.IsNullOrWhiteSpace(id) ? id : throw Missing(section, "Model");
        var price = new ModelPrice(model) { InputPerMillion = Required("InputPerMillion"), OutputPerMillion = Required("OutputPerMillion") };
        foreach (var entry in section.GetChildren())
        {
            switch (entry.Key.ToUpperInvariant())
            {
                case "MODEL" or "INPUTPERMILLION" or "OUTPUTPERMILLION":
                    break;
                case "PROVIDER":
                    price.Provider = entry.Value;
                    break;
                case "CURRENCY":
                    price.Currency = entry.Value ?? "";
                    break;
                case "CACHEDINPUTPERMILLION":
                    price.CachedInputPerMillion = Rate(entry);
                    break;
                case "CACHEWRITE5MPERMILLION":
                    price.CacheWrite5mPerMillion = Rate(entry);
                    break;
                case "CACHEWRITE1HPERMILLION":
                    price.CacheWrite1hPerMillion = Rate(entry);
                    break;
                case "REASONINGPERMILLION":
                    price.ReasoningPerMillion = Rate(entry);
                    break;
                case "INPUTAUDIOPERMILLION":
                    price.InputAudioPerMillion = Rate(entry);
                    break;
                case "OUTPUTAUDIOPERMILLION":
                    price.OutputAudioPerMillion = Rate(entry);
                    break;
                case "INPUTIMAGEPERMILLION":
                    price.InputImagePerMillion = Rate(entry);
                    break;
                case "OUTPUTIMAGEPERMILLION":
                    price.OutputImagePerMillion = Rate(entry);
                    break;
                case "CACHEDIMAGEPERMILLION":
                    price.CachedImagePerMillion = Rate(entry);
                    break;
                case "INPUTVIDEOPERMILLION":
                    price.InputVideoPerMillion = Rate(entry);
                    break;
                case "OUTPUTVIDEOPERMILLION":
                    price.OutputVideoPerMillion = Rate(entry);
                    break;
                case "CITATIONPERMILLION":
                    price.CitationPerMillion = Rate(entry);
                    break;
                case "PERIMAGE":
                    price.PerImage = Rate(entry);
                    break;
                case "PERAUDIOSECOND":
                    price.PerAudioSecond = Rate(entry);
                    break;
                case "PERVIDEOSECOND":
                    price.PerVideoSecond = Rate(entry);
                    break;
                case "PERCOMPUTESECOND":
                    price.PerComputeSecond = Rate(entry);
                    break;
                case "CHARACTERSPERMILLION":
                    price.CharactersPerMillion = Rate(entry);
                    break;
                case "STORAGEPERGIGABYTEDAY":
                    price.StoragePerGigabyteDay = Rate(entry);
                    break;
                case "PERREQUEST":
                    price.PerRequest = Rate(entry);
                    break;
                case "PERWEBSEARCH":
                    price.PerWebSearch = Rate(entry);
                    break;
                case "MULTIPLIER":
                    price.Multiplier = Number(entry, "a number above zero; 1.1 is ten percent more");
                    break;
                case "CONTEXTWINDOW":
                    price.ContextWindow = Count(entry, "a number of tokens");
                    break;
                case "MAXOUTPUTTOKENS":
                    price.MaxOutputTokens = Count(entry, "a number of tokens");
                    break;
                case "REGIONS":
                    foreach (var region in Entries(entry))
                    {
                        price.Regions[region.Key] = Number(region, "a number above zero; 1.1 is ten percent more");
                    }

                    break;
                case "VOLUMESTEPS":
                    foreach (var step in Entries(entry))
                    {
                        price.VolumeSteps.Add(StepOf(step));
                    }

                    break;
                default:
                    throw Unknown(entry);
            }
        }

        return price;

        decimal Required(string key) => section[key] is null ? throw Missing(section, key) : Rate(section.GetSection(key));
    }

    public static PriceAdjustment AdjustmentOf(IConfigurationSection section)
    {
        var adjustment = new PriceAdjustment();
        foreach (var entry in section.GetChildren())
        {
            adjustment = entry.Key.ToUpperInvariant() switch
            {
                "PROVIDER" => adjustment with { Provider = entry.Value },
                "MODEL" => adjustment with { Model = entry.Value },
                "DISCOUNT" => adjustment with { Discount = Number(entry, "a share like 0.10 for ten percent") },
                "MARGIN" => adjustment with { Margin = Number(entry, "a share like 0.05 for five percent") },
                _ => throw Unknown(entry),
            };
        }

        return adjustment;
    }

    public static ExchangeRate ExchangeRateOf(IConfigurationSection section)
    {
        var currency = section["Currency"] ?? throw Missing(section, "Currency");
        var rate = new ExchangeRate(currency, section["PerDollar"] is null ? throw Missing(section, "PerDollar") : Number(section.GetSection("PerDollar"), "units of the currency for one US dollar, such as 7.10"));
        foreach (var entry in section.GetChildren())
        {
            rate = entry.Key.ToUpperInvariant() switch
            {
                "CURRENCY" or "PERDOLLAR" => rate,
                "DAY" => rate with { Day = Read(entry, static text => DateOnly.ParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture), "a day like 2026-08-22") },
                _ => throw Unknown(entry),
            };
        }

        return rate;
    }

    private static VolumeStep StepOf(IConfigurationSection section)
    {
        var step = new VolumeStep(section["AboveRequests"] is null ? throw Missing(section, "AboveRequests") : Count(section.GetSection("AboveRequests"), "a number of requests"));
        foreach (var entry in section.GetChildren())
        {
            switch (entry.Key.ToUpperInvariant())
            {
                case "ABOVEREQUESTS":
                    break;
                case "INPUTPERMILLION":
                    step.InputPerMillion = Rate(entry);
                    break;
                case "CACHEDINPUTPERMILLION":
                    step.CachedInputPerMillion = Rate(entry);
                    break;
                case "OUTPUTPERMILLION":
                    step.OutputPerMillion = Rate(entry);
                    break;
                case "REASONINGPERMILLION":
                    step.ReasoningPerMillion = Rate(entry);
                    break;
                case "PERREQUEST":
                    step.PerRequest = Rate(entry);
                    break;
                case "PERWEBSEARCH":
                    step.PerWebSearch = Rate(entry);
                    break;
                default:
                    throw Unknown(entry);
            }
        }

        return step;
    }

    private static decimal Rate(IConfigurationSection entry) => Number(entry, "a price like 2.50, in the unit that its name says");
}
