using CsCheck;

namespace LlmCostCache.AI.Tests;

public class SavingsPropertyTests
{
    private static readonly Gen<TimeSpan> s_elapsed = Gen.Frequency(
        (1, Gen.Const(TimeSpan.Zero)), (3, Gen.Int[0, 90].Select(minutes => TimeSpan.FromMinutes(minutes))), (3, Gen.Int[0, 5 * 24 * 60].Select(minutes => TimeSpan.FromMinutes(minutes))));

    [Fact]
    public void A_hit_never_saves_less_than_nothing_nor_more_than_the_price_without_any_prompt_cache() =>
        Gen.Select(PricingGen.Queries, s_elapsed).Sample((query, elapsed) =>
        {
            var answer = BoughtAnswer.Of(query.Provider, query.Model!, query.Usage, query.At, tier: query.ServiceTier);
            var saved = answer.SavedAfter(elapsed);
            var full = PriceBook.BuiltIn.Price(query with { At = query.At + elapsed, Usage = RepeatedPrompt.ReadAnew(query.Usage) }).Cost;
            return saved >= Money.Zero && saved <= (full.Amount ?? Money.Zero);
        }, iter: TestSize.Cases);

    [Fact]
    public void A_hit_saves_no_less_the_longer_the_question_was_not_asked() =>
        Gen.Select(PricingGen.Queries, s_elapsed, s_elapsed).Sample((query, one, other) =>
        {
            var (shorter, longer) = one < other ? (one, other) : (other, one);
            return SavedAt(query, shorter) <= SavedAt(query, longer);
        }, iter: TestSize.Cases / 4);

    // The same instant for both, so that the same prices hold.
    private static Money SavedAt(PriceQuery query, TimeSpan sinceLastAsked)
    {
        var answer = BoughtAnswer.Of(query.Provider, query.Model!, query.Usage, query.At, tier: query.ServiceTier) with { StoredAt = query.At - sinceLastAsked };
        return answer.SavedAfter(sinceLastAsked);
    }
}
