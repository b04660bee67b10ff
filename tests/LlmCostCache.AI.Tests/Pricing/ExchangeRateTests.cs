using System.Globalization;
using CsCheck;

namespace LlmCostCache.AI.Tests;

public sealed class ExchangeRateTests : IDisposable
{
    private static readonly DateTimeOffset Summer = new(2026, 8, 20, 0, 0, 0, TimeSpan.Zero);

    private readonly TempHome _home = new();
    private readonly Dictionary<string, string?> _environment = [];
    private readonly LlmCostsOptions _options = new();

    public void Dispose() => _home.Dispose();

    [Fact]
    public void The_contract_example_in_yuan_is_exact()
    {
        Prices("""{"currency":"CNY","models":[{"id":"m","input":"0.72","output":"1"}]}""");
        _environment["LLMCOSTCACHE_FX"] = """{"CNY": "7.1", "date": "2026-08-20"}""";
        var priced = Price(1_000_000);

        Assert.Equal((0.72m, 7.1m, new DateOnly(2026, 8, 20)), (priced.NativeCost, priced.FxRate, priced.FxDate));
        Assert.Equal(101_408_451, priced.Cost.Amount!.Value.Nanos);
        Assert.Equal(priced.Cost.Amount, Money.FromUsd(priced.Parts.Values.Sum()));
        Assert.Null(priced.Cost.Reason);
    }

    [Fact]
    public void Without_any_source_a_dollar_is_seven_yuan_twenty_and_the_rate_has_no_day()
    {
        Prices("""{"currency":"CNY","models":[{"id":"m","input":"7.2","output":"1"}]}""");
        var priced = Price(1_000_000);

        Assert.Equal((Money.FromUsd(1m), 7.20m, null), (priced.Cost.Amount!.Value, priced.FxRate, priced.FxDate));
    }

    [Fact]
    public void Code_beats_environment_beats_file_beats_the_built_in_rate_for_each_currency()
    {
        Assert.Equal(7.20m, RateOf("CNY"));
        File("""{"CNY": 7.01, "EUR": "0.91", "GBP": 0.81, "JPY": 141}""");
        Assert.Equal(7.01m, RateOf("CNY"));
        _environment["LLMCOSTCACHE_FX"] = """{"CNY": 7.02, "EUR": "0.92"}""";
        Assert.Equal(7.02m, RateOf("CNY"));
        _options.ExchangeRates.Add(new("CNY", 7.03m));
        Assert.Equal(7.03m, RateOf("CNY"));
        Assert.Equal(0.92m, RateOf("EUR"));
        Assert.Equal(0.81m, RateOf("GBP"));
        Assert.Equal(141m, RateOf("jpy"));
    }

    [Fact]
    public void The_environment_can_name_a_file()
    {
        var file = Path.Combine(_home.Path, "mine.json");
        System.IO.File.WriteAllText(file, "\uFEFF{\n  // as of yesterday\n  \"CNY\": {\"2026-08-19\": \"7.15\"},\n}");
        _environment["LLMCOSTCACHE_FX"] = file;

        Assert.Equal(7.15m, RateOf("CNY"));
    }

    [Theory]
    [InlineData("2020-01-01", "7.3", "2026-08-10")]
    [InlineData("2026-08-20", "7.3", "2026-08-10")]
    [InlineData("2026-08-21", "7.3", "2026-08-10")]
    [InlineData("2026-08-22", "7.1", "2026-08-22")]
    [InlineData("2026-12-31", "7.1", "2026-08-22")]
    [InlineData("2027-01-01", "7.05", "2027-01-01")]
    [InlineData("2030-01-01", "7.05", "2027-01-01")]
    public void A_dated_rate_is_the_latest_that_is_not_after_the_call(string at, string rate, string day)
    {
        _options.ExchangeRates.Add(new("CNY", 7.1m, new(2026, 8, 22)));
        _options.ExchangeRates.Add(new("CNY", 7.05m, new(2027, 1, 1)));
        _options.ExchangeRates.Add(new("CNY", 7.3m, new(2026, 8, 10)));
        var found = Rates().Find("CNY", DateTimeOffset.Parse(at + "T23:59:59Z", CultureInfo.InvariantCulture));

        Assert.Equal((decimal.Parse(rate, CultureInfo.InvariantCulture), DateOnly.Parse(day, CultureInfo.InvariantCulture)), (found!.PerDollar, found.Day!.Value));
    }

    [Fact]
    public void A_call_before_the_first_rate_takes_the_first_one_and_says_so()
    {
        Prices("""{"currency":"CNY","models":[{"id":"m","input":"7.1","output":"1"}]}""");
        File("""{"CNY": {"2026-08-22": "7.1"}}""");
        var priced = Price(1_000_000);

        Assert.Equal((CostCertainty.Known, Money.FromUsd(1m)), (priced.Cost.Certainty, priced.Cost.Amount!.Value));
        Assert.Equal("the rate of CNY is of 2026-08-22; no earlier one is known", priced.Cost.Reason);
    }

    [Fact]
    public void A_rate_without_a_day_holds_before_the_first_that_has_one()
    {
        _options.ExchangeRates.Add(new("CNY", 7.1m, new(2026, 8, 22)));
        _options.ExchangeRates.Add(new("CNY", 7.5m));

        Assert.Equal(new("CNY", 7.5m), Rates().Find("CNY", Summer));
    }

    [Fact]
    public void A_currency_without_a_rate_has_no_price_in_dollars()
    {
        Prices("""{"currency":"EUR","models":[{"id":"m","input":"1","output":"1"}]}""");
        var priced = Price(1);

        Assert.Equal(CostCertainty.Unknown, priced.Cost.Certainty);
        Assert.Equal("no exchange rate for EUR; set LLMCOSTCACHE_FX, write fx.json into the home directory or add it to LlmCostsOptions.ExchangeRates", priced.Cost.Reason);
        Assert.Null(Load().Ceiling(null, "m", Summer, 1, 1));
    }

    [Fact]
    public void Yuan_become_dollars_by_one_division_and_one_rounding_half_to_even()
    {
        Prices("""{"currency":"CNY","models":[{"id":"m","input":"1","output":"0"}]}""");
        Gen.Select(Gen.Long[0, 5_000_000_000], Gen.Int[1, 20_000_000]).Sample(
            (tokens, micros) =>
            {
                var rate = micros / 1_000_000m + 0.1m;
                var options = new LlmCostsOptions { ExchangeRates = { new("CNY", rate) } };
                var priced = PriceBook.Load(options, _home.Path, _ => null).Price(Query(tokens));
                Assert.Equal(decimal.Round(tokens / 1_000_000m / rate * 1_000_000_000m, 0, MidpointRounding.ToEven), priced.Cost.Amount!.Value.Nanos);
            },
            iter: TestSize.Cases / 100);
    }

    [Theory]
    [InlineData("{\"CNY\":\n 0}", "line 2", "the rate of CNY is 0")]
    [InlineData("{\"CNY\":\n\n \"-7\"}", "line 3", "the rate of CNY is -7")]
    [InlineData("{\n\"CNY\": {}}", "line 2", "has no rate")]
    [InlineData("{\"yuan\": 7}", "line 1", "ISO 4217")]
    [InlineData("{\"USD\": 1}", "line 1", "other than the US dollar")]
    [InlineData("{\"CNY\": 7,\n \"date\": \"yesterday\"}", "line 2", "'yesterday' is not a day")]
    [InlineData("{\"CNY\": {\"22.08.2026\": 7}}", "line 1", "'22.08.2026' is not a day")]
    [InlineData("{\"CNY\": true}", "line 1", "not a number")]
    [InlineData("{\"CNY\": \"NaN\"}", "line 1", "'NaN'")]
    [InlineData("{\"CNY\": 7,\n\"cny\": 7}", "line 2", "two rates")]
    [InlineData("{\"CNY\": {\"2026-08-22\": 7, \"2026-08-22\": 8}}", "line 1", "two rates")]
    [InlineData("{\n\"CNY\": oops}", "line 2", "JSON")]
    [InlineData("{\"CNY\": 7", "line 1", "")]
    [InlineData("{\"CNY\": 7} 8", "line 1", "JSON")]
    public void A_bad_rate_is_an_error_that_names_source_line_and_remedy(string json, string line, string what)
    {
        File(json);
        var inFile = Assert.Throws<LlmCostException>(Load).Message;
        _environment["LLMCOSTCACHE_FX"] = json;
        var inEnvironment = Assert.Throws<LlmCostException>(Load).Message;

        Assert.StartsWith($"LLMCOSTCACHE_FX, {line}: ", inEnvironment, StringComparison.Ordinal);
        Assert.StartsWith(Path.Combine(_home.Path, "fx.json") + $", {line}: ", inFile, StringComparison.Ordinal);
        Assert.Contains(what, inFile, StringComparison.Ordinal);
        Assert.Contains("Write {\"CNY\": \"7.1\"", inFile, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("7.1")]
    [InlineData("/no/such/file.json")]
    public void What_is_neither_JSON_nor_a_file_is_an_error_that_names_the_variable(string value)
    {
        _environment["LLMCOSTCACHE_FX"] = value;
        Assert.StartsWith($"LLMCOSTCACHE_FX ({value}): neither JSON nor a file", Assert.Throws<LlmCostException>(Load).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bad_rate_in_code_is_an_error_that_names_the_option()
    {
        _options.ExchangeRates.Add(new("CNY", 0m));
        Assert.StartsWith("LlmCostsOptions.ExchangeRates: the rate of CNY is 0", Assert.Throws<LlmCostException>(Load).Message, StringComparison.Ordinal);

        _options.ExchangeRates[0] = new("cny", 7m);
        Assert.Contains("'cny' is not the ISO 4217 code", Assert.Throws<LlmCostException>(Load).Message, StringComparison.Ordinal);

        _options.ExchangeRates[0] = new("CNY", 7m, new(2026, 8, 22));
        _options.ExchangeRates.Add(new("CNY", 8m, new(2026, 8, 22)));
        Assert.Contains("two rates for 2026-08-22", Assert.Throws<LlmCostException>(Load).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_file_is_an_error_of_ours_and_never_a_negative_rate()
    {
        var whole = """{"date":"2026-08-22", "CNY":"7.1", "EUR":{"2026-08-22":0.92,"2026-09-01":"0.93"}}"""u8.ToArray();
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte, Gen.Int[0, whole.Length - 1]).Sample(
            (at, value, cut) =>
            {
                var json = whole.ToArray();
                json[at] = value;
                foreach (var text in new[] { json, json[..cut] })
                {
                    try
                    {
                        Assert.All(ExchangeRateReader.Read(text, "damaged"), rate => Assert.True(rate.PerDollar > 0m));
                    }
                    catch (LlmCostException e)
                    {
                        Assert.StartsWith("damaged", e.Message, StringComparison.Ordinal);
                    }
                }
            },
            iter: TestSize.Cases);
    }

    private void Prices(string json) => System.IO.File.WriteAllText(Path.Combine(_home.Path, "prices.json"), json);

    private void File(string json) => System.IO.File.WriteAllText(Path.Combine(_home.Path, "fx.json"), json);

    private ExchangeRates Rates() => ExchangeRates.Load(_options.ExchangeRates, _home.Path, name => _environment.GetValueOrDefault(name));

    private decimal? RateOf(string currency) => Rates().Find(currency, Summer)?.PerDollar;

    private PriceBook Load() => PriceBook.Load(_options, _home.Path, name => _environment.GetValueOrDefault(name));

    private PricedUsage Price(long tokens) => Load().Price(Query(tokens));

    private static PriceQuery Query(long tokens) =>
        new() { Provider = "openai", Host = "gateway.example", Model = "m", At = Summer, Usage = new() { UncachedInputTokens = tokens } };
}
