using Microsoft.Extensions.Options;

namespace LlmCostCache.AI;

/// <summary>Says which option is out of its bounds, what the bounds are, and what to do.</summary>
internal sealed class LlmCostsOptionsValidator : IValidateOptions<LlmCostsOptions>
{
    public static void ThrowIfInvalid(LlmCostsOptions options)
    {
        if (Problems(options).FirstOrDefault() is { } problem)
        {
            throw new ArgumentException(problem, nameof(options));
        }
    }

    public ValidateOptionsResult Validate(string? name, LlmCostsOptions options)
    {
        var problems = Problems(options).ToList();
        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }

    private static IEnumerable<string> Problems(LlmCostsOptions options)
    {
        if (options.TimeZone is null)
        {
            yield return "TimeZone is null. Leave it at UTC or set a zone with TimeZoneInfo.FindSystemTimeZoneById.";
        }

        if (options.TimeProvider is null)
        {
            yield return "TimeProvider is null. Leave it at TimeProvider.System.";
        }

        if (!Enum.IsDefined(options.WeekStart))
        {
            yield return $"WeekStart {options.WeekStart} is no day of the week.";
        }

        if (options.FiscalYearStart is < 1 or > 12)
        {
            yield return $"FiscalYearStart {options.FiscalYearStart} is no month. Give a number from 1 (January) to 12.";
        }

        if (options.Currency is not { Length: 3 } || !options.Currency.All(char.IsAsciiLetterUpper))
        {
            yield return $"Currency '{options.Currency}' is no ISO 4217 code, such as USD or EUR.";
        }

        if (options.CacheNamespace is null)
        {
            yield return "CacheNamespace is null. Leave it empty for none.";
        }

        if (options.CacheNamespace is { Length: > 0 } && string.IsNullOrWhiteSpace(options.CacheNamespace))
        {
            yield return "CacheNamespace is blank. Leave it empty for none, or name your application.";
        }

        if (options.DistributedCache is not null && string.IsNullOrEmpty(options.CacheNamespace) && !options.AllowSharedCacheWithoutNamespace)
        {
            yield return "DistributedCache is shared with others, but CacheNamespace is empty: their answers would become yours. Set CacheNamespace to the name of your application, "
                + "or AllowSharedCacheWithoutNamespace when answers shall be shared with every application that does the same. Tenants are kept apart in either case.";
        }

        if (options.DistributedCacheTimeout < TimeSpan.FromMilliseconds(1) || options.DistributedCacheTimeout > TimeSpan.FromMinutes(1))
        {
            yield return $"DistributedCacheTimeout {options.DistributedCacheTimeout} is not between one millisecond and one minute.";
        }

        if (options.MemoryCacheBytes is < 0 or > 16L << 30)
        {
            yield return $"MemoryCacheBytes {options.MemoryCacheBytes} is not between 0 (no memory layer) and 17179869184 (16 GB).";
        }

        if (options.DiskCacheBytes is < 0 or > 1L << 40)
        {
            yield return $"DiskCacheBytes {options.DiskCacheBytes} is not between 0 (no disk layer) and 1099511627776 (1 TB).";
        }

        if ((options.CacheNormalization & ~(CacheNormalization.LineEndings | CacheNormalization.TrailingBlanks)) != 0)
        {
            yield return $"CacheNormalization {options.CacheNormalization} is not made of LineEndings and TrailingBlanks.";
        }

        if (options.CacheEncryptionKeys.Contains(null!))
        {
            yield return "CacheEncryptionKeys must not contain null. Read keys with CacheEncryptionKey.FromBase64.";
        }
        else if (options.CacheEncryptionKeys.Select(key => key.Id).Distinct().Count() < options.CacheEncryptionKeys.Count)
        {
            yield return "CacheEncryptionKeys contains the same key twice. The first encrypts, the others only decrypt what was encrypted before.";
        }

        if (options.ReservationTimeout < TimeSpan.FromSeconds(1) || options.ReservationTimeout > TimeSpan.FromDays(1))
        {
            yield return $"ReservationTimeout {options.ReservationTimeout} is not between one second and one day.";
        }

        if (options.ReservationWait < TimeSpan.Zero || options.ReservationWait > TimeSpan.FromHours(1))
        {
            yield return $"ReservationWait {options.ReservationWait} is not between zero and one hour.";
        }

        if (options.Budgets.Contains(null!) || options.Prices.Contains(null!) || options.ExchangeRates.Contains(null!) || options.PriceAdjustments.Contains(null!))
        {
            yield return "Budgets, Prices, ExchangeRates and PriceAdjustments must not contain null.";
        }

        if (options.UsageRules.Any(rule => rule.Value is null || string.IsNullOrWhiteSpace(rule.Key)))
        {
            yield return "UsageRules must not contain null or an empty name; take UsageRule.InclusiveInput, UsageRule.ExclusiveInput or a rule of your own.";
        }

        if (!Enum.IsDefined(options.ProviderCosts))
        {
            yield return $"ProviderCosts {options.ProviderCosts} is none of Prefer, Ignore and Trust.";
        }

        foreach (var twice in options.Budgets.Where(budget => budget is not null).GroupBy(budget => budget.Id).Where(group => group.Count() > 1))
        {
            yield return $"Two budgets are the same by scope, period, unit and name ({twice.First().Name}). Give one of them a name with .Named(\"...\").";
        }
    }
}
