using System.Text;
using System.Text.Json;
using LlmCostCache.AI.Cli.Importing;

namespace LlmCostCache.AI.Cli.Tests;

/// <summary>A price that is written and read again is the same price.</summary>
public class PriceRoundTripTests
{
    private const string Everything = """
        {"provider": "acme", "models": [{"id": "m", "aliases": ["m-1"], "starts_with": ["m-"], "context_window": 9, "max_output_tokens": 8, "encoding": "o200k_base", "currency": "CNY",
          "checked": "2026-08-01", "note": "two sources differ", "sources": ["a"], "prices": [
          {"input": "2", "cached_input": "0.5", "output": "8", "web_search_call": "0.01", "storage_gb_day": "0.1", "multiplier": "1.5", "known_from": "2026-01-01", "sources": ["b"],
           "tiers": [{"above_input_tokens": 100, "input": "3"}, {"above_input_tokens": 200, "above_output_tokens": 5, "with_reasoning": true, "output": "9"}],
           "volume": {"period": "month", "steps": [{"above_requests": 10, "input": "1", "per_request": "0.2"}, {"above_requests": 1000, "per_request": "0.1"}]},
           "windows": [{"from": "16:30", "until": "00:30", "input": "1.1"}],
           "modes": {"fast": {"multiplier": "6"}, "batch": {"input": "1", "tiers": [{"above_input_tokens": 100, "input": "1.7"}]}},
           "regions": {"us": "1.1", "*": "1.2"}},
          {"effective_from": "2026-06-01", "known_from": "2026-05-01", "input": "0", "output": "0"}]},
         {"id": "anyones", "provider": null, "free": true, "input": "0", "output": "0"}]}
        """;

    [Fact]
    public void Every_price_of_the_catalogue_is_the_same_after_it_was_written_and_read()
    {
        var count = 0;
        foreach (var provider in ProviderDirectory.Instance.Providers)
        {
            var entries = BuiltInCatalogue.Shared.Of(provider.Id).Entries;
            AssertTheSame(entries, Again(entries, ""));
            count += entries.Count;
        }

        Assert.True(count > 1000);
    }

    [Fact]
    public void Whatever_a_price_can_have_is_the_same_after_it_was_written_and_read()
    {
        var entries = PriceFileReader.Read(Encoding.UTF8.GetBytes(Everything), "test");

        AssertTheSame(entries, Again(entries, ""));
        Assert.Equal(("two sources differ", null), (entries[0].Note, entries[1].Provider));
    }

    [Fact]
    public void A_price_for_any_provider_stays_one_below_a_header_that_names_a_provider()
    {
        var entries = PriceFileReader.Read(Encoding.UTF8.GetBytes(Everything), "test");

        AssertTheSame(entries, Again(entries, """ "provider": "somebody", "currency": "EUR", """));
    }

    private static IReadOnlyList<PriceEntry> Again(IReadOnlyList<PriceEntry> entries, string header)
    {
        using var models = new MemoryStream();
        using (var json = new Utf8JsonWriter(models))
        {
            json.WriteStartArray();
            foreach (var entry in entries)
            {
                PriceJson.WriteModel(json, entry, entry.Prices);
            }

            json.WriteEndArray();
        }

        return PriceFileReader.Read(Encoding.UTF8.GetBytes($$"""{ {{header}} "models": {{Encoding.UTF8.GetString(models.ToArray())}} }"""), "written");
    }

    private static void AssertTheSame(IReadOnlyList<PriceEntry> before, IReadOnlyList<PriceEntry> after)
    {
        Assert.Equal(before.Count, after.Count);
        foreach (var (old, now) in before.Zip(after))
        {
            Assert.Equal(
                (old.Provider, old.Id, old.Mode, old.ContextWindow, old.MaxOutputTokens, old.Encoding, old.Currency),
                (now.Provider, now.Id, now.Mode, now.ContextWindow, now.MaxOutputTokens, now.Encoding, now.Currency));
            Assert.Equal((old.Note, old.Checked), (now.Note, now.Checked));
            Assert.Equal(old.Aliases, now.Aliases);
            Assert.Equal(old.StartsWith, now.StartsWith);
            Assert.Equal(old.Sources, now.Sources);
            Assert.True(old.CostsTheSameAs(now), old.Id);
            foreach (var (price, again) in old.Prices.Zip(now.Prices))
            {
                Assert.Equal((price.EffectiveFrom, price.KnownFrom), (again.EffectiveFrom, again.KnownFrom));
                Assert.Equal(price.Sources, again.Sources);
                Assert.Empty(RateMove.Between(price, again));
            }
        }
    }
}
