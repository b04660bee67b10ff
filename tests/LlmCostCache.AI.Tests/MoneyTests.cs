using CsCheck;

namespace LlmCostCache.AI.Tests;

public class MoneyTests
{
    [Theory]
    [InlineData("0.0000000005", 0)]
    [InlineData("0.0000000015", 2)]
    [InlineData("0.0000000025", 2)]
    [InlineData("0.005615", 5_615_000)]
    public void Dollars_are_rounded_half_to_even_to_a_nano_dollar(string usd, long nanos) =>
        Assert.Equal(nanos, Money.FromUsd(decimal.Parse(usd, System.Globalization.CultureInfo.InvariantCulture)).Nanos);

    [Fact]
    public void What_is_promised_is_rounded_up() => Assert.Equal(1, Money.FromUsdRoundedUp(0.0000000001m).Nanos);

    [Fact]
    public void A_sum_that_does_not_fit_throws_and_never_wraps() =>
        Assert.Throws<OverflowException>(() => Money.MaxValue + Money.FromNanos(1));

    [Fact]
    public void Dollars_beyond_the_range_throw() => Assert.Throws<OverflowException>(() => Money.FromUsd(10_000_000_000m));

    [Fact]
    public void Amounts_print_every_digit_that_counts() => Assert.Equal("-$0.000000001", Money.FromNanos(-1).ToString());

    [Fact]
    public void Dollars_survive_the_way_there_and_back() =>
        Gen.Long.Sample(nanos => Money.FromUsd(Money.FromNanos(nanos).Usd).Nanos == nanos, iter: TestSize.Cases);

    [Fact]
    public void Rounding_up_is_never_below_and_never_a_nano_dollar_above() =>
        Gen.Decimal[0m, 9_000_000m].Sample(
            usd =>
            {
                var up = Money.FromUsdRoundedUp(usd);
                return up.Usd >= usd && up.Usd - usd < 0.000000001m;
            },
            iter: TestSize.Cases);

    [Fact]
    public void A_million_small_rows_add_up_exactly()
    {
        var sum = Money.Zero;
        for (var i = 0; i < 1_000_000; i++)
        {
            sum += Money.FromUsd(0.0000105m);
        }

        Assert.Equal(10.5m, sum.Usd);
    }
}
