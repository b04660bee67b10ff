using CsCheck;

namespace LlmCostCache.AI.Tests;

/// <summary>What holds for every price and every usage.</summary>
public class PricePropertyTests
{
    // Where the vendors' prices for long contexts begin.
    private static readonly long[] s_boundaries = [32_000, 128_000, 199_999, 200_000, 256_000, 272_000];

    [Fact]
    public void One_more_of_anything_never_costs_less() =>
        Gen.Select(PricingGen.Queries, Gen.Int[0, UsageMembers.All.Count - 1]).Sample(
            (query, member) =>
            {
                var before = PriceBook.BuiltIn.Price(query).Cost.Amount;
                var after = PriceBook.BuiltIn.Price(query with { Usage = query.Usage + UsageMembers.Only(UsageMembers.All[member].Name, 1) }).Cost.Amount;
                return before is null || after is null || after >= before;
            },
            iter: TestSize.Cases);

    [Fact]
    public void Crossing_a_tier_never_makes_the_whole_request_cheaper() =>
        Gen.Select(PricingGen.Queries, Gen.Int[0, s_boundaries.Length - 1].Select(i => s_boundaries[i])).Sample(
            (query, boundary) =>
            {
                var at = query with { Usage = new() { UncachedInputTokens = boundary, OutputTokens = query.Usage.OutputTokens, Requests = 1 } };
                var above = query with { Usage = at.Usage with { UncachedInputTokens = boundary + 1 } };
                return PriceBook.BuiltIn.Price(at).Cost.Amount is not { } lower || PriceBook.BuiltIn.Price(above).Cost.Amount is not { } upper || lower < upper;
            },
            iter: TestSize.Cases);

    [Fact]
    public void However_the_input_is_split_it_never_costs_less_than_read_from_the_cache_alone() =>
        PricingGen.Queries.Sample(
            query =>
            {
                var usage = query.Usage;
                var cached = usage with
                {
                    CachedInputTokens = usage.TotalInputTokens,
                    UncachedInputTokens = 0,
                    CacheWrite5mTokens = 0,
                    CacheWrite1hTokens = 0,
                    InputAudioTokens = 0,
                    CachedAudioTokens = 0,
                    InputImageTokens = 0,
                    CachedImageTokens = 0,
                    InputVideoTokens = 0,
                    CitationTokens = 0,
                };
                return PriceBook.BuiltIn.Price(query).Cost.Amount is not { } split || PriceBook.BuiltIn.Price(query with { Usage = cached }).Cost.Amount <= split;
            },
            iter: TestSize.Cases);

    [Fact]
    public void Twice_the_usage_in_one_request_costs_at_least_as_much_as_two_requests() =>
        PricingGen.Queries.Sample(
            query =>
            {
                // Tiers only rise, and a fee for each request is in the usage: nobody saves money by sending more at once, but for the rounding of two halves.
                var one = PriceBook.BuiltIn.Price(query).Cost.Amount;
                var two = PriceBook.BuiltIn.Price(query with { Usage = query.Usage + query.Usage }).Cost.Amount;
                return one is not { } half || two is not { } whole || whole.Nanos >= (2 * half.Nanos) - 1;
            },
            iter: TestSize.Cases);
}
