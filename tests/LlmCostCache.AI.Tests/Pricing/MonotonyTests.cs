using CsCheck;

namespace LlmCostCache.AI.Tests;

/// <summary>Using more never costs less: no vendor's price for a larger request is lower.</summary>
public class MonotonyTests
{
    [Fact]
    public void No_tier_lowers_a_rate() =>
        Assert.Empty(Lowered().Select(item => $"{item.Name}: {item.What}").Distinct());

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
