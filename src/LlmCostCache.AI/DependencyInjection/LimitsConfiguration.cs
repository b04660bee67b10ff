using System.Globalization;
using Microsoft.Extensions.Configuration;
using static LlmCostCache.AI.BudgetConfiguration;
using static LlmCostCache.AI.ConfigurationValue;

namespace LlmCostCache.AI;

/// <summary>Rate limits, retries and runaway guards of a configuration.</summary>
internal static class LimitsConfiguration
{
    private const string Duration = "a time span such as 00:01:00";

    public static void Bind(IConfigurationSection section, RateLimitOptions options)
    {
        foreach (var entry in Entries(section))
        {
            switch (entry.Key.ToUpperInvariant())
            {
                case "LIMITS":
                    foreach (var limit in Entries(entry))
                    {
                        options.Limits.Add(RateLimitOf(limit));
                    }

                    break;
                case "MAXWAIT":
                    Set(entry, Span, value => options.MaxWait = value, $"{Duration}, at most an hour");
                    break;
                case "MAXWAITING":
                    Set(entry, Whole, value => options.MaxWaiting = value, "a number from 0 to 100,000");
                    break;
                case "LIMITER":
                    throw OnlyInCode(entry);
                default:
                    throw Unknown(entry);
            }
        }
    }

    public static void Bind(IConfigurationSection section, RetryOptions options)
    {
        foreach (var entry in Entries(section))
        {
            switch (entry.Key.ToUpperInvariant())
            {
                case "MAXRETRIES":
                    Set(entry, Whole, value => options.MaxRetries = value, "a number from 0 to 20");
                    break;
                case "DELAY":
                    Set(entry, Span, value => options.Delay = value, $"{Duration}, at most an hour");
                    break;
                case "MAXDELAY":
                    Set(entry, Span, value => options.MaxDelay = value, $"{Duration}, at most an hour");
                    break;
                case "MAXRETRYAFTER":
                    Set(entry, Span, value => options.MaxRetryAfter = value, $"{Duration}, at most an hour");
                    break;
                case "SHOULDRETRY":
                    throw OnlyInCode(entry);
                default:
                    throw Unknown(entry);
            }
        }
    }

    public static void Bind(IConfigurationSection section, RunawayOptions options)
    {
        foreach (var entry in Entries(section))
        {
            switch (entry.Key.ToUpperInvariant())
            {
                case "MAXCOSTPERRUN":
                    Set(entry, Dollars, value => options.MaxCostPerRun = value, "an amount in US dollars above zero");
                    break;
                case "MAXCALLSPERRUN":
                    Set(entry, Whole, value => options.MaxCallsPerRun = value, "a number above zero");
                    break;
                case "MAXREPEATEDTOOLROUNDS":
                    // An empty value is how a configuration says null, and JSON says it itself.
                    if (string.IsNullOrEmpty(entry.Value))
                    {
                        options.MaxRepeatedToolRounds = null;
                    }
                    else
                    {
                        Set(entry, Whole, value => options.MaxRepeatedToolRounds = value, "a number, two or more, or nothing");
                    }

                    break;
                case "REPEATABLETOOLS":
                    foreach (var tool in Entries(entry))
                    {
                        options.RepeatableTools.Add(tool.Value is { Length: > 0 } name ? name : throw Wrong(tool, "the name of a tool"));
                    }

                    break;
                case "RUN":
                    options.Run = Name<RunawayScope>(entry);
                    break;
                case "IDLETIMEOUT":
                    Set(entry, Span, value => options.IdleTimeout = value, $"{Duration}, from a minute to 7 days");
                    break;
                default:
                    throw Unknown(entry);
            }
        }
    }

    private static RateLimit RateLimitOf(IConfigurationSection section)
    {
        var window = Read(Required(section, "Per"), Span, $"{Duration}, from 100 milliseconds to 7 days");
        var unit = Name<RateLimitUnit>(Required(section, "Unit"));
        var amount = Required(section, "Limit");
        var limit = Read(amount, text => unit == RateLimitUnit.Cost
            ? RateLimit.Cost(Dollars(text), window)
            : unit == RateLimitUnit.Tokens ? RateLimit.Tokens(long.Parse(text, CultureInfo.InvariantCulture), window) : RateLimit.Requests(long.Parse(text, CultureInfo.InvariantCulture), window),
            "a number above zero, and a window (Per) from 100 milliseconds to 7 days");
        foreach (var entry in section.GetChildren())
        {
            var value = entry.Value ?? "";
            limit = entry.Key.ToUpperInvariant() switch
            {
                "PER" or "UNIT" or "LIMIT" => limit,
                "ALGORITHM" => Name<RateLimitAlgorithm>(entry) == RateLimitAlgorithm.TokenBucket ? limit.AsTokenBucket(limit.Burst) : limit.AsSlidingWindow(),
                "BURST" when section["Algorithm"] is { } algorithm && !algorithm.Equals(nameof(RateLimitAlgorithm.TokenBucket), StringComparison.OrdinalIgnoreCase) =>
                    throw Wrong(entry, "no burst, because only the algorithm TokenBucket has one"),
                "BURST" => Read(entry, text => limit.AsTokenBucket(unit == RateLimitUnit.Cost ? Money.FromUsd(Dollars(text)).Nanos
                    : long.Parse(text, CultureInfo.InvariantCulture)), "a number above zero"),
                "ACROSSMODELS" => Read(entry, bool.Parse, "true or false") ? limit.AcrossModels() : limit,
                "TENANT" => value == BudgetScope.Each ? limit.ForEachTenant() : Named(entry, limit.ForTenant),
                "PROJECT" => value == BudgetScope.Each ? limit.ForEachProject() : Named(entry, limit.ForProject),
                "TEAM" => value == BudgetScope.Each ? limit.ForEachTeam() : Named(entry, limit.ForTeam),
                "USER" => value == BudgetScope.Each ? limit.ForEachUser() : Named(entry, limit.ForUser),
                "FEATURE" => value == BudgetScope.Each ? limit.ForEachFeature() : Named(entry, limit.ForFeature),
                "SESSION" => value == BudgetScope.Each ? limit.ForEachSession() : Named(entry, limit.ForSession),
                "AGENT" => value == BudgetScope.Each ? limit.ForEachAgent() : Named(entry, limit.ForAgent),
                "MODEL" => Named(entry, limit.ForModel),
                "TAG" => Named(entry, limit.ForTag),
                "NAME" => Named(entry, limit.Named),
                _ => throw Unknown(entry),
            };
        }

        return limit;
    }

    private static IConfigurationSection Required(IConfigurationSection section, string key) =>
        section[key] is null ? throw Missing(section, key) : section.GetSection(key);

    private static TimeSpan Span(string text) => TimeSpan.Parse(text, CultureInfo.InvariantCulture);

    private static int Whole(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    // The options check their own bounds; what they refuse is said in the words of the configuration.
    private static void Set<T>(IConfigurationSection entry, Func<string, T> parse, Action<T> set, string expected) => Read(entry, text =>
    {
        set(parse(text));
        return true;
    }, expected);
}
