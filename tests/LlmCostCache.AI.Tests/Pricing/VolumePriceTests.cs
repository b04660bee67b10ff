using CsCheck;

namespace LlmCostCache.AI.Tests;

public sealed class VolumePriceTests
{
    private static readonly DateTimeOffset Summer = new(2026, 8, 20, 0, 0, 0, TimeSpan.Zero);

    // A plan by request: the first 10,000 of a month at 0.05, then 0.02, beyond a million 0.01 and cheaper output.
    private const string Plan = """
        {"provider":"acme","models":[{"id":"m","input":"1","output":"2","per_request":"0.05","volume":{"period":"month","steps":[
          {"above_requests":1000000,"per_request":"0.01","output":"1"},
          {"above_requests":10000,"per_request":"0.02"}]}}]}
        """;

    [Theory]
    [InlineData(0, "0.05")]
    [InlineData(9_998, "0.05")]
    [InlineData(9_999, "0.05")] // the 10,000th
    [InlineData(10_000, "0.02")] // the 10,001st
    [InlineData(999_999, "0.02")]
    [InlineData(1_000_000, "0.01")]
    [InlineData(long.MaxValue, "0.01")]
    public void The_first_10_000_requests_of_a_month_are_dearer_than_the_10_001st(long before, string fee)
    {
        var priced = Price(before);

        Assert.Equal((CostCertainty.Known, Usd(fee)), (priced.Cost.Certainty, priced.Cost.Amount!.Value));
        Assert.Equal(Usd(fee).Usd, priced.Parts["request"]);
        Assert.Null(priced.Cost.Reason);
    }

    [Fact]
    public void A_step_changes_the_rates_that_it_names_and_keeps_those_of_the_step_before()
    {
        Assert.Equal(Usd("3.02"), Price(10_000, million: true).Cost.Amount);
        Assert.Equal(Usd("2.01"), Price(1_000_000, million: true).Cost.Amount);
    }

    [Fact]
    public void Without_the_number_of_requests_the_cost_is_between_the_cheapest_and_the_dearest_step()
    {
        var priced = Price(null, million: true);

        Assert.Equal((CostCertainty.Bounded, Usd("2.01"), Usd("3.05")), (priced.Cost.Certainty, priced.Cost.Low, priced.Cost.High));
        Assert.Equal((Usd("3.05"), 3.05m), (priced.Cost.Amount, priced.NativeCost));
        Assert.Equal(Money.FromUsd(priced.Parts.Values.Sum()), priced.Cost.High);
        Assert.Equal("the price of 'm' has steps by the requests of a month, and how many went before is not known", priced.Cost.Reason);
    }

    [Fact]
    public void Requests_on_both_sides_of_a_step_are_bounded_by_the_steps_they_touch()
    {
        var priced = Book().Price(Query(9_999) with { Usage = new() { Requests = 2 } });

        Assert.Equal((CostCertainty.Bounded, Usd("0.04"), Usd("0.10")), (priced.Cost.Certainty, priced.Cost.Low, priced.Cost.High));
        Assert.Contains("both sides", priced.Cost.Reason, StringComparison.Ordinal);
        Assert.Equal(CostCertainty.Known, Book().Price(Query(9_998) with { Usage = new() { Requests = 2 } }).Cost.Certainty);
    }

    [Fact]
    public void The_dearest_step_is_reserved()
    {
        Assert.Equal(Usd("3.05"), Book().Ceiling("acme", "m", Summer, 1_000_000, 1_000_000));
        var rising = Book("""{"provider":"acme","models":[{"id":"m","input":"1","output":"2","volume":{"steps":[{"above_requests":10,"input":"3","per_request":"1"}]}}]}""");
        Assert.Equal(Usd("6"), rising.Ceiling("acme", "m", Summer, 1_000_000, 1_000_000));
    }

    [Theory]
    [InlineData(99L, 100_000, "2.023")]
    [InlineData(100L, 100_000, "1.357")]
    [InlineData(100L, 100_001, "2.6770198")]
    public void A_step_a_mode_and_a_geography_multiply_the_one_card_that_the_length_chooses(long before, long uncached, string usd)
    {
        // The 101st request of the month, fast (6 times), in the United States (1.1 times), with 150,000 tokens of input: 100,000 at 1, 50,000 from the cache at 0.5, 10,000 of output at 8, all
        // times 6.6, and the fee of 0.004, which no premium is on: 0.66 + 0.165 + 0.528 + 0.004. The 100th pays 2 for input and a fee of 0.01; one token more of input makes all of it cost 3.
        var book = Book("""
            {"provider":"acme","models":[{"id":"m","input":"2","cached_input":"0.5","output":"8","per_request":"0.01",
              "volume":{"steps":[{"above_requests":100,"input":"1","per_request":"0.004"}]},
              "tiers":[{"above_input_tokens":150000,"input":"3"}],
              "modes":{"fast":{"multiplier":"6"}},"regions":{"us":"1.1"}}]}
            """);
        var query = Query(before) with
        {
            ServiceTier = "fast",
            Region = "us",
            Usage = new() { UncachedInputTokens = uncached, CachedInputTokens = 50_000, OutputTokens = 10_000, Requests = 1 },
        };

        Assert.Equal((CostCertainty.Known, Usd(usd)), (book.Price(query).Cost.Certainty, book.Price(query).Cost.Amount!.Value));
    }

    [Fact]
    public void Steps_can_be_given_in_code()
    {
        var options = new LlmCostsOptions();
        options.Prices.Add(new("m") { InputPerMillion = 0m, OutputPerMillion = 0m, PerRequest = 0.05m, VolumeSteps = { new(10_000) { PerRequest = 0.02m } } });
        var book = PriceBook.Load(options, null, _ => null);

        Assert.Equal((Usd("0.05"), Usd("0.02")), (book.Price(Query(9_999)).Cost.Amount!.Value, book.Price(Query(10_000)).Cost.Amount!.Value));
    }

    [Fact]
    public void A_price_without_steps_does_not_ask_how_many_went_before()
    {
        var query = Query(null) with { Provider = "openai", Model = "gpt-4o" };

        Assert.Equal(PriceBook.BuiltIn.Price(query).Cost, PriceBook.BuiltIn.Price(query with { RequestsBefore = 1_000_000 }).Cost);
    }

    [Fact]
    public void Another_step_is_another_revision_of_the_price()
    {
        var other = Book(Plan.Replace("\"0.02\"", "\"0.03\"", StringComparison.Ordinal));

        Assert.NotEqual(Book().Price(Query(0)).Cost.PriceRevision, other.Price(Query(0)).Cost.PriceRevision);
    }

    [Fact]
    public void More_requests_never_cost_less_together_and_every_one_lies_within_the_bounds()
    {
        var book = Book();
        var bounds = book.Price(Query(null)).Cost;
        Gen.Select(Gen.Long[0, 2_000_000], Gen.Long[1, 1000]).Sample(
            (before, requests) =>
            {
                var one = book.Price(Query(before)).Cost;
                Assert.InRange(one.Amount!.Value, bounds.Low, bounds.High);
                Assert.True(one.Amount >= book.Price(Query(before + 1)).Cost.Amount, "Each request of this plan costs at most what the one before it cost.");

                // Several in one row: the bounds contain their sum one by one.
                var together = book.Price(Query(before) with { Usage = new() { Requests = requests } }).Cost;
                var sum = Enumerable.Range(0, (int)requests).Sum(i => book.Price(Query(before + i)).Cost.Amount!.Value.Nanos);
                Assert.InRange(sum, together.Low.Nanos, together.High.Nanos);
            },
            iter: TestSize.Cases / 100);
    }

    [Theory]
    [InlineData("\"volume\":{}", "line 2", "needs 'steps'")]
    [InlineData("\"volume\":{\"period\":\"day\",\"steps\":[{\"above_requests\":1,\"input\":1}]}", "line 2", "'day'")]
    [InlineData("\"volume\":{\"steps\":[\n{\"input\":1}]}", "line 3", "'above_requests'")]
    [InlineData("\"volume\":{\"steps\":[{\"above_requests\":5,\"input\":1},\n{\"above_requests\":5,\"input\":2}]}", "line 3", "no other step")]
    [InlineData("\"volume\":{\"steps\":[{\"above_requests\":-5,\"input\":1}]}", "line 2", "above zero")]
    [InlineData("\"volume\":{\"steps\":[{\"above_requests\":5,\"input\":\"-1\"}]}", "line 2", "negative")]
    [InlineData("\"volume\":{\"steps\":[{\"above_requests\":5,\"price\":\"1\"}]}", "line 2", "'price'")]
    [InlineData("\"volume\":{\"stages\":[]}", "line 2", "'stages'")]
    public void A_bad_plan_is_an_error_that_names_file_and_line(string volume, string line, string what)
    {
        var error = Assert.Throws<LlmCostException>(() => Book($"{{\"models\":[{{\"id\":\"m\",\"input\":1,\"output\":1,\n{volume}}}]}}")).Message;

        Assert.StartsWith($"LLMCOSTCACHE_PRICES, {line}: ", error, StringComparison.Ordinal);
        Assert.Contains(what, error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bad_step_in_code_is_an_error_that_names_the_model()
    {
        var options = new LlmCostsOptions();
        var price = new ModelPrice("m") { InputPerMillion = 1m, OutputPerMillion = 1m, VolumeSteps = { new(0) } };
        options.Prices.Add(price);
        Assert.StartsWith("LlmCostsOptions.Prices, 'm': there is a step above 0 requests", Assert.Throws<LlmCostException>(() => PriceBook.Load(options, null, _ => null)).Message, StringComparison.Ordinal);

        price.VolumeSteps[0] = new(5) { PerRequest = -1m };
        Assert.Contains("'per_request' is -1", Assert.Throws<LlmCostException>(() => PriceBook.Load(options, null, _ => null)).Message, StringComparison.Ordinal);
    }

    private static Money Usd(string usd) => Money.FromUsd(decimal.Parse(usd, System.Globalization.CultureInfo.InvariantCulture));

    private static PriceBook Book(string json = Plan) => PriceBook.Load(new(), null, name => name == "LLMCOSTCACHE_PRICES" ? json : null);

    private static PriceQuery Query(long? before) => new() { Provider = "acme", Model = "m", At = Summer, RequestsBefore = before, Usage = new() { Requests = 1 } };

    private static PricedUsage Price(long? before, bool million = false) =>
        Book().Price(million ? Query(before) with { Usage = new() { UncachedInputTokens = 1_000_000, OutputTokens = 1_000_000, Requests = 1 } } : Query(before));
}
