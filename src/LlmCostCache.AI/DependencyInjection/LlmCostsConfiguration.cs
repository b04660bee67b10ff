using System.Globalization;
using Microsoft.Extensions.Configuration;
using static LlmCostCache.AI.ConfigurationValue;

namespace LlmCostCache.AI;

/// <summary>Reads options from configuration. Written out instead of bound: budgets have no setters, and a misspelt limit must not be silently ignored.</summary>
internal static class LlmCostsConfiguration
{
    public static void Bind(IConfiguration section, LlmCostsOptions options)
    {
        foreach (var entry in section.GetChildren())
        {
            switch (entry.Key.ToUpperInvariant())
            {
                case "HOMEDIRECTORY":
                    options.HomeDirectory = entry.Value;
                    break;
                case "TIMEZONE":
                    options.TimeZone = Read(entry, TimeZoneInfo.FindSystemTimeZoneById, "an IANA zone such as Europe/Berlin");
                    break;
                case "WEEKSTART":
                    options.WeekStart = Name<DayOfWeek>(entry);
                    break;
                case "FISCALYEARSTART":
                    options.FiscalYearStart = Read(entry, static text => int.Parse(text, CultureInfo.InvariantCulture), "a month from 1 to 12");
                    break;
                case "CURRENCY":
                    options.Currency = entry.Value ?? "";
                    break;
                case "CACHENAMESPACE":
                    options.CacheNamespace = entry.Value ?? "";
                    break;
                case "ALLOWSHAREDCACHEWITHOUTNAMESPACE":
                    options.AllowSharedCacheWithoutNamespace = Read(entry, bool.Parse, "true or false");
                    break;
                case "DISTRIBUTEDCACHETIMEOUT":
                    options.DistributedCacheTimeout = Read(entry, static text => TimeSpan.Parse(text, CultureInfo.InvariantCulture), "a time span such as 00:00:00.050");
                    break;
                case "CACHEEXCERPTS":
                    options.CacheExcerpts = Read(entry, bool.Parse, "true or false");
                    break;
                case "CACHENORMALIZATION":
                    options.CacheNormalization = Read(entry, static text => Enum.Parse<CacheNormalization>(text, ignoreCase: true),
                        "None, LineEndings, TrailingBlanks, or two of them with a comma");
                    break;
                case "MEMORYCACHEBYTES":
                    options.MemoryCacheBytes = Count(entry, "a number of bytes");
                    break;
                case "DISKCACHEBYTES":
                    options.DiskCacheBytes = Count(entry, "a number of bytes");
                    break;
                case "CACHESECRET":
                    options.CacheSecret = Hidden(entry, static text => new CacheSecret(text));
                    break;
                case "CACHEENCRYPTIONKEYS":
                    // Written as one value, as in an environment variable: passed over, nothing would be encrypted.
                    if (entry.Value is { Length: > 0 })
                    {
                        foreach (var key in Hidden(entry, CacheEncryptionKey.ListFromBase64))
                        {
                            options.CacheEncryptionKeys.Add(key);
                        }
                    }

                    foreach (var key in entry.GetChildren())
                    {
                        options.CacheEncryptionKeys.Add(Hidden(key, CacheEncryptionKey.FromBase64));
                    }

                    break;
                case "RESERVATIONTIMEOUT":
                    options.ReservationTimeout = Read(entry, static text => TimeSpan.Parse(text, CultureInfo.InvariantCulture), "a time span such as 00:10:00");
                    break;
                case "RESERVATIONWAIT":
                    options.ReservationWait = Read(entry, static text => TimeSpan.Parse(text, CultureInfo.InvariantCulture), "a time span such as 00:00:30");
                    break;
                case "RESERVATIONSSURVIVEPOWERLOSS":
                    options.ReservationsSurvivePowerLoss = Read(entry, bool.Parse, "true or false");
                    break;
                case "COSTATTRIBUTES":
                    options.CostAttributes = Name<CostAttributeNames>(entry);
                    break;
                case "MODELALIASES":
                    foreach (var alias in Entries(entry))
                    {
                        options.ModelAliases[alias.Key] = alias.Value ?? throw Wrong(alias, "the id of a model");
                    }

                    break;
                case "BUDGETS":
                    foreach (var budget in Entries(entry))
                    {
                        options.Budgets.Add(BudgetConfiguration.BudgetOf(budget));
                    }

                    break;
                case "BUDGETWEBHOOKS":
                    foreach (var webhook in Entries(entry))
                    {
                        options.BudgetWebhooks.Add(WebhookOf(webhook));
                    }

                    break;
                case "PROVIDERCOSTS":
                    options.ProviderCosts = Name<ProviderCostPolicy>(entry);
                    break;
                case "PRICES":
                    foreach (var price in Entries(entry))
                    {
                        options.Prices.Add(PriceConfiguration.PriceOf(price));
                    }

                    break;
                case "PRICEADJUSTMENTS":
                    foreach (var adjustment in Entries(entry))
                    {
                        options.PriceAdjustments.Add(PriceConfiguration.AdjustmentOf(adjustment));
                    }

                    break;
                case "EXCHANGERATES":
                    foreach (var rate in Entries(entry))
                    {
                        options.ExchangeRates.Add(PriceConfiguration.ExchangeRateOf(rate));
                    }

                    break;
                case "RATELIMITING":
                    LimitsConfiguration.Bind(entry, options.RateLimiting);
                    break;
                case "RETRIES":
                    LimitsConfiguration.Bind(entry, options.Retries);
                    break;
                case "RUNAWAY":
                    LimitsConfiguration.Bind(entry, options.Runaway);
                    break;
                case "USAGERULES" or "BUDGETOBSERVERS" or "TIMEPROVIDER" or "LOGGERFACTORY" or "METERFACTORY" or "DISTRIBUTEDCACHE":
                    throw OnlyInCode(entry);
                default:
                    throw Unknown(entry);
            }
        }
    }

    private static BudgetWebhook WebhookOf(IConfigurationSection section)
    {
        if (section.GetChildren().FirstOrDefault(entry => entry.Key.ToUpperInvariant() is not ("FORM" or "URL" or "SECRET" or "SHOWKEY")) is { } unknown)
        {
            throw Unknown(unknown);
        }

        var form = section["Form"] is null ? WebhookForm.Json : Name<WebhookForm>(section.GetSection("Form"));
        var url = section["Url"] is null ? throw Missing(section, "Url") : section.GetSection("Url");
        var webhook = Hidden(url, text => new BudgetWebhook(form, Uri.TryCreate(text, UriKind.Absolute, out var address) ? address : throw new ArgumentException("It is not an absolute address."), section["Secret"]));
        return section["ShowKey"] is not null && Read(section.GetSection("ShowKey"), bool.Parse, "true or false") ? webhook.ShowKey() : webhook;
    }
}
