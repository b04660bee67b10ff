using CsCheck;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace LlmCostCache.AI.Tests;

public class PriceGuardTests
{
    // Odd and in the book: what the guard would put aside if it came in a list today.
    private static readonly HashSet<string> s_odd =
    [
        "cloudflare/@cf/meta/llama-guard-3-8b", // models.dev, litellm: a classifier that answers one word
        "google/gemma-4-26b-a4b-it", "google/gemma-4-31b-it", // free from a later price on: Google's page has no paid tier
    ];

    [Theory]
    [InlineData("2.5", "2500", 3)]
    [InlineData("2.5", "0.0025", -3)]
    [InlineData("0.15", "15", 2)]
    [InlineData("3", "2900000", 6)]
    [InlineData("2", "20", 1)]
    [InlineData("2", "10", 0)]
    [InlineData("2", "2", 0)]
    [InlineData("0", "2", 0)]
    [InlineData("7", "0", 0)]
    public void A_power_of_ten_between_two_prices_is_seen(string from, string to, int power) =>
        Assert.Equal(power, PriceGuard.PowerOfTen(decimal.Parse(from, System.Globalization.CultureInfo.InvariantCulture), decimal.Parse(to, System.Globalization.CultureInfo.InvariantCulture)));

    [Fact]
    public void What_equals_the_known_price_is_never_suspicious() =>
        Assert.All(
            ProviderDirectory.Instance.Providers.SelectMany(provider => BuiltInCatalogue.Read(provider.Id).Entries).SelectMany(entry => entry.Prices, (entry, price) => (entry, price)),
            item => Assert.Empty(PriceGuard.Check(item.price, item.price, item.entry.Currency, item.entry.Mode)));

    [Fact]
    public void A_factor_of_a_thousand_or_a_million_is_always_put_aside() =>
        Gen.Select(Gen.Int[1, 1_000_000], Gen.Int[1, 1_000_000], Gen.Int[0, 3].Select(i => new[] { 1_000m, 1_000_000m, 0.001m, 0.000001m }[i])).Sample(
            (input, output, factor) =>
            {
                var known = Price(input / 1000m, output / 1000m);
                var found = PriceGuard.Check(Price(input / 1000m * factor, output / 1000m * factor), known, "USD", "chat");
                Assert.Contains(found, finding => finding.Concern == PriceConcern.UnitSlip);
            },
            iter: TestSize.Cases);

    [Fact]
    public void A_move_up_to_five_times_is_believed_and_one_above_is_not()
    {
        Assert.Empty(PriceGuard.Check(Price(5m, 10m), Price(1m, 2m), "USD", "chat"));
        Assert.Empty(PriceGuard.Check(Price(1m, 2m), Price(5m, 10m), "USD", "chat"));
        Assert.Equal([PriceConcern.Move], PriceGuard.Check(Price(5.01m, 10m), Price(1m, 2m), "USD", "chat").Select(finding => finding.Concern));
        Assert.Equal([PriceConcern.Move], PriceGuard.Check(Price(1m, 2m), Price(5.01m, 10m), "USD", "chat").Select(finding => finding.Concern));
    }

    [Fact]
    public void Nothing_where_something_was_paid_is_put_aside_and_so_is_the_other_way()
    {
        Assert.Equal([PriceConcern.Free], PriceGuard.Check(Price(0m, 0m), Price(1m, 2m), "USD", "chat").Select(finding => finding.Concern));
        Assert.Equal([PriceConcern.Free], PriceGuard.Check(Price(1m, 2m), Price(0m, 0m), "USD", "chat").Select(finding => finding.Concern));
        Assert.Equal([PriceConcern.Free], PriceGuard.Check(Price(0m, 0m), null, "USD", "chat").Select(finding => finding.Concern));
    }

    [Fact]
    public void An_embedding_has_no_output_to_be_cheap()
    {
        Assert.Empty(PriceGuard.Check(Price(1m, 0m), null, "USD", "embedding"));
        Assert.Equal([PriceConcern.CheapOutput], PriceGuard.Check(Price(1m, 0m), null, "USD", "chat").Select(finding => finding.Concern));
    }

    [Fact]
    public void A_slip_in_a_tier_or_a_mode_is_seen_too()
    {
        var known = Read("""{"id":"m","input":"1","output":"2","tiers":[{"above_input_tokens":200000,"input":"2"}],"modes":{"batch":{"input":"0.5"}}}""");
        var tier = Read("""{"id":"m","input":"1","output":"2","tiers":[{"above_input_tokens":200000,"input":"2000"}],"modes":{"batch":{"input":"0.5"}}}""");
        var mode = Read("""{"id":"m","input":"1","output":"2","tiers":[{"above_input_tokens":200000,"input":"2"}],"modes":{"batch":{"input":"0.0005"}}}""");
        var added = Read("""{"id":"m","input":"1","output":"2","modes":{"priority":{"input":"50"}}}""");

        Assert.Contains("input (input > 200,000) from 2 to 2000", Assert.Single(PriceGuard.Check(tier, known, "USD", "chat"), finding => finding.Concern == PriceConcern.UnitSlip).What, StringComparison.Ordinal);
        Assert.Contains("input (batch) from 0.5 to 0.0005", Assert.Single(PriceGuard.Check(mode, known, "USD", "chat"), finding => finding.Concern == PriceConcern.UnitSlip).What, StringComparison.Ordinal);
        Assert.Contains("input (priority) is 50 where the standard rate is 1", Assert.Single(PriceGuard.Check(added, null, "USD", "chat"), finding => finding.Concern == PriceConcern.UnitSlip).What, StringComparison.Ordinal);
    }

    [Fact]
    public void Yuan_are_not_taken_for_dollars()
    {
        Assert.Empty(PriceGuard.Check(Price(1500m, 3000m), null, "CNY", "chat"));
        Assert.NotEmpty(PriceGuard.Check(Price(1500m, 3000m), null, "USD", "chat"));
        Assert.Empty(PriceGuard.Check(Price(150_000m, 300_000m), null, "KRW", "chat"));
    }

    [Fact]
    public void The_book_holds_what_it_asks_of_others()
    {
        var odd = ProviderDirectory.Instance.Providers.SelectMany(provider => BuiltInCatalogue.Read(provider.Id).Entries, (provider, entry) => (provider.Id, entry))
            .Where(item => item.entry.Prices.Any(price => PriceGuard.Check(price, null, item.entry.Currency, item.entry.Mode).Any(finding => finding.Concern != PriceConcern.Free || !item.entry.Free)))
            .Select(item => $"{item.Id}/{item.entry.Id}").ToArray();

        Assert.Equal(s_odd.Order(StringComparer.Ordinal), odd.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task An_override_that_looks_like_a_slip_of_units_is_used_and_told_once()
    {
        var home = Directory.CreateTempSubdirectory("llmcost-slip-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(home, "prices.json"), """{"models":[{"id":"gpt-4o","provider":"openai","input":"2500","output":"10000"},{"id":"gpt-4o-mini","provider":"openai","input":"0.1","output":"0.4"}]}""");
            var logs = new FakeLoggerProvider();
            using var factory = LoggerFactory.Create(builder => builder.AddProvider(logs));
            await using var costs = LlmCosts.Open(o => (o.HomeDirectory, o.LoggerFactory) = (home, factory));

            var warning = Assert.Single(logs.Collector.GetSnapshot(), record => record.Id.Id == 23);
            Assert.Equal(LogLevel.Warning, warning.Level);
            Assert.Contains("openai/gpt-4o in ", warning.Message, StringComparison.Ordinal);
            Assert.Contains("input from 2.5 to 2500: about 1,000 times dearer", warning.Message, StringComparison.Ordinal);
            Assert.Equal(2500m, costs.Prices.Price(new() { Provider = "openai", Model = "gpt-4o", At = DateTimeOffset.UtcNow, Usage = new() { UncachedInputTokens = 1_000_000 } }).NativeCost);
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    private static DatedPrice Price(decimal input, decimal output)
    {
        var rates = new decimal?[RateCard.Kinds];
        (rates[(int)RateKind.Input], rates[(int)RateKind.Output]) = (input, output);
        return new(new RateCard(rates));
    }

    private static DatedPrice Read(string model) => PriceFileReader.Read(System.Text.Encoding.UTF8.GetBytes($$"""{"models":[{{model}}]}"""), "test")[0].Prices[0];
}
