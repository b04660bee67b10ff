using CsCheck;

namespace LlmCostCache.AI.Tests;

/// <summary>Using more never costs less. It can where a vendor's price for a larger request is lower; those are named.</summary>
public class MonotonyTests
{
    // A tier that lowers a rate: the whole request gets cheaper with its last token.
    private static readonly HashSet<string> CheaperWhenLarger =
    [
        "anthropic/fast/claude-opus-4-6", // litellm lists the standard long-context rates behind the fast ones
        "anthropic/fast/claude-opus-4-6-20260205", // litellm lists the standard long-context rates behind the fast ones
        "anthropic/fast/us/claude-opus-4-6", // litellm lists the standard long-context rates behind the fast ones
        "azure/gpt-5.4-pro", // cached_input
        "vertex/gemini-2.5-pro", // cache_write_5m, cache_write_1h
        "vertex/gemini-3-pro-preview", // cache_write_5m, cache_write_1h
        "vertex/gemini-3.1-pro-preview", // cache_write_5m, cache_write_1h
        "vertex/gemini-3.1-pro-preview-customtools", // cache_write_5m, cache_write_1h
    ];

    [Fact]
    public void No_tier_lowers_a_rate() =>
        Assert.Empty(Lowered().Select(item => item.Name).Distinct().Except(CheaperWhenLarger).Select(name => $"{name}: {string.Join("; ", Lowered().Where(item => item.Name == name).Select(item => item.What).Distinct().Take(3))}"));

    [Fact]
    public void Every_tier_that_is_said_to_lower_a_rate_does() =>
        Assert.Subset(Lowered().Select(item => item.Name).ToHashSet(), CheaperWhenLarger);

    [Fact]
    public void One_more_of_anything_never_costs_less() =>
        Gen.Select(PricingGen.Queries, Gen.Int[0, UsageMembers.All.Count - 1], Gen.Long[1, 500_000]).Sample(
            (query, member, more) =>
            {
                var before = PriceBook.BuiltIn.Price(query).Cost.Amount;
                var after = PriceBook.BuiltIn.Price(query with { Usage = query.Usage + UsageMembers.Only(UsageMembers.All[member].Name, more) }).Cost.Amount;
                return before is null || after is null || before <= after;
            },
            iter: TestSize.Cases);

    [Fact]
    public void A_cost_is_never_negative_and_is_the_sum_of_its_parts() =>
        PricingGen.Queries.Sample(
            query =>
            {
                var priced = PriceBook.BuiltIn.Price(query);
                return priced.Cost.Amount is not { } amount
                    || (amount >= Money.Zero && priced.Parts.Values.All(part => part >= 0m) && Money.FromUsd(priced.Parts.Values.Sum()) == amount);
            },
            iter: TestSize.Cases);

    private static IEnumerable<(string Name, string What)> Lowered() =>
        from provider in ProviderDirectory.Instance.Providers
        from entry in BuiltInCatalogue.Read(provider.Id).Entries
        from price in entry.Prices
        from card in price.Modes.Values.Select(mode => (Rates: price.Rates.OverriddenBy(mode.Rates), Tiers: mode.TiersBeside(price.Tiers))).Append((price.Rates, price.Tiers))
        from what in Lowered(card.Rates, card.Tiers)
        select ($"{provider.Id}/{entry.Id}", what);

    private static IEnumerable<string> Lowered(RateCard rates, IReadOnlyList<PriceTier> tiers)
    {
        foreach (var tier in tiers)
        {
            var next = rates.OverriddenBy(tier.Rates);
            var (before, after) = (rates.WithFallbacks(), next.WithFallbacks());
            foreach (var kind in Enum.GetValues<RateKind>().Where(kind => after[kind] < before[kind]))
            {
                yield return $"above {tier.AboveInputTokens}/{tier.AboveOutputTokens} {kind} {before[kind]} becomes {after[kind]}";
            }

            rates = next;
        }
    }
}
