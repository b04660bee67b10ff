using CsCheck;

namespace LlmCostCache.AI.Tests;

public class CeilingTests
{
    private static readonly DateTimeOffset Summer = new(2026, 8, 20, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void No_split_of_the_tokens_costs_more_than_the_ceiling() =>
        PricingGen.Queries.Sample(
            query =>
            {
                var priced = PriceBook.BuiltIn.Price(query);
                var ceiling = PriceBook.BuiltIn.Ceiling(query.Provider, query.Model, query.At, query.Usage.TotalInputTokens, query.Usage.TotalOutputTokens, null, query.ServiceTier);
                return priced.Cost.Amount is not { } amount || (ceiling is { } most && amount <= most);
            },
            iter: TestSize.Cases);

    [Fact]
    public void Without_a_service_tier_neither_standard_nor_priority_costs_more() =>
        PricingGen.Queries.Where(query => query.ServiceTier is null or "standard" or "priority").Sample(
            query =>
            {
                var ceiling = PriceBook.BuiltIn.Ceiling(query.Provider, query.Model, query.At, query.Usage.TotalInputTokens, query.Usage.TotalOutputTokens);
                return PriceBook.BuiltIn.Price(query).Cost.Amount is not { } amount || amount <= ceiling;
            },
            iter: TestSize.Cases);

    [Fact]
    public void More_tokens_never_have_a_lower_ceiling() =>
        PricingGen.Queries.Sample(
            query =>
            {
                Money? Ceiling(long more) =>
                    PriceBook.BuiltIn.Ceiling(query.Provider, query.Model, query.At, query.Usage.TotalInputTokens + more, query.Usage.TotalOutputTokens + more);
                return Ceiling(0) is not { } fewer || Ceiling(1000) is not { } most || fewer <= most;
            },
            iter: TestSize.Cases);

    [Fact]
    public void The_dearest_way_to_read_and_answer_is_reserved()
    {
        // One-hour cache writes above 200,000 tokens at 12, answers at 22.5.
        Assert.Equal(Money.FromUsd((200_001 * 12m / 1_000_000m) + 0.0225m), PriceBook.BuiltIn.Ceiling("anthropic", "claude-sonnet-4-5", Summer, 200_001, 1000));
        Assert.Equal(Money.FromUsd((200_000 * 6m / 1_000_000m) + 0.015m), PriceBook.BuiltIn.Ceiling("anthropic", "claude-sonnet-4-5", Summer, 200_000, 1000));
    }

    [Theory]
    [InlineData(null, 21_250_000_000)]
    [InlineData("auto", 21_250_000_000)]
    [InlineData("priority", 21_250_000_000)]
    [InlineData("default", 12_500_000_000)]
    [InlineData("standard", 12_500_000_000)]
    public void A_tier_that_is_not_ruled_out_is_reserved(string? tier, long nanos) =>
        Assert.Equal(nanos, PriceBook.BuiltIn.Ceiling("openai", "gpt-4o", Summer, 1_000_000, 1_000_000, serviceTier: tier)!.Value.Nanos);

    [Fact]
    public void An_unknown_tier_has_no_ceiling() => Assert.Null(PriceBook.BuiltIn.Ceiling("openai", "gpt-4o", Summer, 1, 1, serviceTier: "scale"));

    [Fact]
    public void A_ceiling_is_rounded_up()
    {
        // 30 yuan a million at 7.20: 4,166.67 nano-dollars.
        Assert.Equal(4167, PriceBook.BuiltIn.Ceiling("baidu", "ernie-4.0", Summer, 1, 0)!.Value.Nanos);
        Assert.Equal(8334, PriceBook.BuiltIn.Ceiling("baidu", "ernie-4.0", Summer, 2, 0)!.Value.Nanos);
    }

    [Fact]
    public void Negative_counts_are_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => PriceBook.BuiltIn.Ceiling("openai", "gpt-4o", Summer, -1, 0));
}
