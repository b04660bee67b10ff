using System.Globalization;
using CsCheck;

namespace LlmCostCache.AI.Tests;

/// <summary>What a strict budget holds for a call, at prices that have everything at once: steps, hours, tiers, modes, geographies, a discount and a margin.</summary>
public class CeilingOfEveryShapeTests
{
    private static readonly string[] s_inputs = ["cached_input", "cache_write_5m", "cache_write_1h", "input_audio", "cached_audio", "input_image", "cached_image", "input_video", "citation"];
    private static readonly string[] s_outputs = ["reasoning", "output_audio", "output_image", "output_video"];
    private static readonly string?[] s_tiers = [null, "standard", "batch", "priority"];
    private static readonly string?[] s_regions = [null, "global", "eu", "mars"];

    private static readonly Gen<string> s_rate = Gen.Int[1, 999].Select(cents => (cents / 100m).ToString(CultureInfo.InvariantCulture));

    private static readonly Gen<string> s_changes =
        from rates in s_rate.Array[s_inputs.Length + s_outputs.Length + 3]
        from chosen in Gen.Int[0, (1 << (s_inputs.Length + s_outputs.Length + 3)) - 1]
        select string.Join(", ", s_inputs.Concat(s_outputs).Concat(["input", "output", "per_request"]).Select((name, i) => (name, i))
            .Where(kind => (chosen >> kind.i & 1) == 1).Select(kind => $"\"{kind.name}\": \"{rates[kind.i]}\""));

    private static readonly Gen<string> s_book =
        from rates in Gen.Select(s_rate, s_rate)
        from changes in s_changes.Array[7]
        from factors in Gen.Select(s_rate, s_rate, s_rate)
        from hour in Gen.Int[10, 22]
        from adjusted in Gen.Select(Gen.Int[0, 99], Gen.Int[0, 200])
        select $$"""
            {"provider": "acme", "currency": "CNY", "models": [{"id": "m",
              {{Without(changes[0], "input", "output")}} "input": "{{rates.Item1}}", "output": "{{rates.Item2}}",
              "tiers": [{"above_input_tokens": 1000{{More(changes[1])}} }, {"above_output_tokens": 1000{{More(changes[2])}} }],
              "windows": [{"from": "{{hour}}:00", "until": "08:00"{{More(changes[3])}} }],
              "volume": {"period": "month", "steps": [{"above_requests": 10{{More(changes[4])}} }]},
              "regions": {"eu": "{{factors.Item1}}", "*": "{{factors.Item2}}" },
              "modes": {"batch": {"multiplier": "{{factors.Item3}}" }, "priority": {"output": "3"{{More(Without(changes[5], "output").TrimEnd(' ', ','))}} } }
            }], "adjustments": [{"provider": "acme", "discount": {{(adjusted.Item1 / 100m).ToString(CultureInfo.InvariantCulture)}}, "margin": {{(adjusted.Item2 / 100m).ToString(CultureInfo.InvariantCulture)}} }]}
            """;

    [Fact]
    public void No_call_costs_more_than_its_ceiling_whatever_the_price_is_made_of() =>
        Gen.Select(s_book, PricingGen.Usages.Array[8], Gen.Int[0, s_tiers.Length - 1], Gen.Int[0, s_regions.Length - 1], Gen.Int[0, 1439], Gen.Int[-1, 20]).Sample(
            (json, usages, tier, region, minute, before) =>
            {
                var book = PriceBook.Load(new LlmCostsOptions(), null, name => name == "LLMCOSTCACHE_PRICES" ? json : null);
                var at = new DateTimeOffset(2026, 8, 20, 0, 0, 0, TimeSpan.Zero).AddMinutes(minute);
                return usages.All(usage =>
                {
                    var cost = book.Price(new PriceQuery
                    {
                        Provider = "acme",
                        Model = "m",
                        At = at,
                        ServiceTier = s_tiers[tier],
                        Region = s_regions[region],
                        RequestsBefore = before < 0 ? null : before,
                        Usage = usage,
                    }).Cost;
                    return cost.Certainty != CostCertainty.Unknown
                        && cost.High <= book.Ceiling("acme", "m", at, usage.TotalInputTokens, usage.TotalOutputTokens, null, s_tiers[tier])
                        && (s_tiers[tier] is "batch" || cost.High <= book.Ceiling("acme", "m", at, usage.TotalInputTokens, usage.TotalOutputTokens));
                });
            },
            iter: TestSize.Cases / 10);

    private static string More(string rates) => rates.Length == 0 ? "" : ", " + rates;

    private static string Without(string rates, params string[] names)
    {
        var kept = rates.Split(", ", StringSplitOptions.RemoveEmptyEntries).Where(rate => !names.Any(name => rate.StartsWith($"\"{name}\"", StringComparison.Ordinal)));
        return string.Concat(kept.Select(rate => rate + ", "));
    }
}
