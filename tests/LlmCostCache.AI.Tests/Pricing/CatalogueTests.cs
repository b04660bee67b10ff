using System.Globalization;
using System.Text.RegularExpressions;

namespace LlmCostCache.AI.Tests;

public class CatalogueTests
{
    // Output cheaper than input, and true: vendors whose answers are captions, labels or text beside an image.
    private static readonly HashSet<string> CheapAnswers =
    [
        "alibaba/qwen3-omni-30b-a3b-captioner", // models.dev, Alibaba Cloud price list: audio in, a short text out
        "openai/gpt-5-image-mini", "openrouter/openai/gpt-5-image-mini", // genai-prices, OpenRouter: text beside the image
        "cloudflare/@cf/meta/llama-guard-3-8b", // models.dev, litellm: a classifier that answers one word
    ];

    // Answers more than a hundred times as dear as the question, and true.
    private static readonly HashSet<string> DearAnswers =
    [
        "sambanova/Qwen2-Audio-7B-Instruct", // litellm
        "perplexity/pplx-7b-online", "perplexity/pplx-70b-online", "perplexity/sonar-small-online", "perplexity/sonar-medium-online", // litellm: a fee per request instead of input
    ];

    // The day of the lists that the book was made from.
    private static readonly DateOnly Book = new(2026, 8, 22);

    private static readonly (string Provider, PriceEntry Entry)[] All =
        [.. ProviderDirectory.Instance.Providers.SelectMany(provider => BuiltInCatalogue.Read(provider.Id).Entries, (provider, entry) => (provider.Id, entry))];

    [Fact]
    public void The_book_holds_thirty_providers_and_a_thousand_models()
    {
        Assert.InRange(ProviderDirectory.Instance.Providers.Count, 30, 1000);
        Assert.InRange(All.Length, 1000, 100_000);
    }

    [Fact]
    public void Every_file_belongs_to_a_listed_provider_and_names_it()
    {
        var files = typeof(PriceBook).Assembly.GetManifestResourceNames().Where(name => name.StartsWith("Catalogue/", StringComparison.Ordinal) && !name.Contains('_', StringComparison.Ordinal));

        Assert.Equal(files.Select(name => name["Catalogue/".Length..^".json".Length]).Order(), ProviderDirectory.Instance.Providers.Select(provider => provider.Id).Order());
        Assert.All(All, item => Assert.Equal(item.Provider, item.Entry.Provider));
    }

    [Fact]
    public void The_embedded_book_stays_small() =>
        Assert.InRange(
            typeof(PriceBook).Assembly.GetManifestResourceNames().Where(name => name.StartsWith("Catalogue/", StringComparison.Ordinal))
                .Sum(name => typeof(PriceBook).Assembly.GetManifestResourceStream(name)!.Length),
            1,
            1_500_000);

    [Fact]
    public void Pricing_one_model_reads_one_file()
    {
        var catalogue = new BuiltInCatalogue();
        var book = PriceBook.Of(catalogue);

        Assert.NotNull(book.Find("openai", "gpt-4o-2024-08-06", default));
        Assert.NotNull(book.Find(null, "gpt-4o", default));
        Assert.NotNull(book.Find("my-gateway", "gpt-4o", default));
        Assert.Equal(["openai"], catalogue.FilesRead);
    }

    [Fact]
    public void Every_price_has_a_source_and_a_day_on_which_somebody_looked() =>
        Assert.All(All, item =>
        {
            Assert.NotEmpty(item.Entry.Sources);
            Assert.NotNull(item.Entry.Checked);
            Assert.Equal(Book.ToString("O", CultureInfo.InvariantCulture), item.Entry.KnownFrom);
        });

    [Fact]
    public void Every_source_is_credited()
    {
        var notices = File.ReadAllText(Path.Combine(RepositoryRoot(), "THIRD-PARTY-NOTICES.md"));

        Assert.All(All.SelectMany(item => item.Entry.Sources).Distinct(), source => Assert.Contains($"`{source}`", notices, StringComparison.Ordinal));
    }

    [Fact]
    public void No_unit_slipped() =>
        Assert.All(Cards(), item => Assert.All(Enum.GetValues<RateKind>(), kind =>
            Assert.True(item.Card[kind] is null || (item.Card[kind] >= 0m && item.Card[kind] <= (kind >= RateKind.WebSearch && kind != RateKind.Characters ? 1m : Dollars(item.Entry, 1000m))), $"{item.Name}: {kind} {item.Card[kind]}")));

    [Fact]
    public void Cached_input_is_never_dearer_than_input() =>
        Assert.All(Cards(), item => Assert.True(item.Card[RateKind.CachedInput] is not { } cached || cached <= item.Card[RateKind.Input], item.Name));

    [Fact]
    public void Output_is_not_cheaper_than_input_and_not_absurdly_dearer() =>
        Assert.All(
            Cards().Where(item => item.Entry.Mode != "embedding" && item.Card[RateKind.Output] is not null),
            item =>
            {
                var (input, output) = (item.Card[RateKind.Input]!.Value, item.Card[RateKind.Output]!.Value);
                Assert.True(output >= input || CheapAnswers.Contains(item.Name), $"{item.Name}: output {output}, input {input}");
                Assert.True(output <= 30m * input || DearAnswers.Contains(item.Name), $"{item.Name}: output {output}, input {input}");
            });

    [Fact]
    public void Every_exception_is_still_needed()
    {
        var names = All.Select(item => $"{item.Provider}/{item.Entry.Id}").ToHashSet();

        Assert.Subset(names, CheapAnswers);
        Assert.Subset(names, DearAnswers);
    }

    [Fact]
    public void A_price_of_zero_is_meant() =>
        Assert.All(All, item => Assert.Equal(item.Entry.Free, item.Entry.Prices.All(price => price.Rates[RateKind.Input] == 0m && price.Rates[RateKind.Output] is null or 0m)));

    [Fact]
    public void Claude_3_and_later_have_cache_rates() =>
        Assert.All(
            All.Where(item => item.Provider == "anthropic" && Regex.IsMatch(item.Entry.Id, "claude-(3|opus|sonnet|haiku|fable|4)")).SelectMany(item => item.Entry.Prices),
            price => Assert.True(price.Rates[RateKind.CachedInput] > 0m && price.Rates[RateKind.CacheWrite5m] > price.Rates[RateKind.Input] && price.Rates[RateKind.CacheWrite1h] > price.Rates[RateKind.CacheWrite5m]));

    [Fact]
    public void Every_id_and_alias_finds_its_own_entry() =>
        Assert.All(
            All.GroupBy(item => item.Provider),
            group => Assert.All(
                group.SelectMany(item => item.Entry.Aliases.Append(item.Entry.Id), (item, name) => (item.Entry, name)),
                item => Assert.Equal(item.Entry.Id, PriceBook.BuiltIn.Find(group.Key, item.name, default)?.Model)));

    [Fact]
    public void Revisions_are_the_same_every_time_and_differ_with_the_facts()
    {
        var again = BuiltInCatalogue.Read("anthropic").Entries.ToDictionary(entry => entry.Id);
        Assert.All(All.Where(item => item.Provider == "anthropic"), item => Assert.Equal(item.Entry.RevisionOf(0), again[item.Entry.Id].RevisionOf(0)));

        var revisions = All.SelectMany(item => item.Entry.Prices.Select((_, i) => item.Entry.RevisionOf(i))).ToArray();
        Assert.Equal(revisions.Length, revisions.Distinct().Count());
    }

    [Theory]
    [InlineData("2026-08-20", null, 5, 30)]
    [InlineData("2026-08-22", null, 5, 30)]
    [InlineData("2026-08-23", null, 4, 20)]
    [InlineData("2026-08-23", "2026-09-01", 5, 30)]
    public void What_a_later_list_says_holds_from_the_day_after_ours_and_was_not_known_before(string at, string? knownAt, int input, int output)
    {
        var query = new PriceQuery { Provider = "openai", Model = "gpt-5.6", At = Noon(at), KnownAt = knownAt is null ? null : Noon(knownAt), Usage = new() { UncachedInputTokens = 100_000, OutputTokens = 100_000, Requests = 1 } };

        Assert.Equal(Money.FromUsd((input + output) / 10m), PriceBook.BuiltIn.Price(query).Cost.Amount);
    }

    [Fact]
    public void Every_price_that_became_known_later_holds_for_no_day_before_that_of_the_book()
    {
        var later = All.SelectMany(item => item.Entry.Prices).Where(price => price.KnownFrom > Book).ToArray();

        Assert.NotEmpty(later);
        Assert.All(later, price => Assert.True(price.EffectiveFrom > Book && price.KnownFrom >= price.EffectiveFrom && price.Sources.Count > 0));
    }

    private static DateTimeOffset Noon(string day) => new(DateOnly.Parse(day, CultureInfo.InvariantCulture), new TimeOnly(12, 0), TimeSpan.Zero);

    private static IEnumerable<(string Name, PriceEntry Entry, RateCard Card)> Cards() =>
        from item in All
        from price in item.Entry.Prices
        from card in price.Tiers.Select(tier => price.CardFor(null, null, TimeOnly.MinValue, tier.AboveInputTokens + 1, tier.AboveOutputTokens + 1, tier.WithReasoning))
            .Concat(price.Windows.Select(window => price.Rates.OverriddenBy(window.Rates)))
            .Append(price.Rates)
        select ($"{item.Provider}/{item.Entry.Id}", item.Entry, card);

    private static decimal Dollars(PriceEntry entry, decimal usd) => entry.Currency == "CNY" ? usd * 7.2m : usd;

    private static string RepositoryRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "THIRD-PARTY-NOTICES.md")))
        {
            directory = directory.Parent;
        }

        return directory.FullName;
    }
}
