using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Pricing;

/// <summary>What the book says about one model at one time, and what a call would cost.</summary>
internal sealed class PriceListing
{
    /// <summary>The entry; null when there is no price, and <see cref="Problem"/> says why.</summary>
    public PriceEntry? Entry { get; private init; }

    public required PriceQuery Query { get; init; }

    /// <summary>The price that holds; null when there is none.</summary>
    public DatedPrice? Price { get; private init; }

    public string? Revision { get; private init; }

    /// <summary>Rate cards by the condition under which they hold; "standard" is the first. Conditions that name no rate of their own keep the standard one.</summary>
    public IReadOnlyList<(string Condition, RateCard Rates)> Cards { get; private init; } = [];

    /// <summary>What is taken off these rates and put on top; null when they are what is paid.</summary>
    public PriceAdjustment? Adjustment { get; private init; }

    /// <summary>The call that was asked about; null when only the rates were.</summary>
    public PricedUsage? Priced { get; private init; }

    public bool IsClamped { get; private init; }

    /// <summary>Why there is no answer; null when there is one.</summary>
    public string? Problem { get; private init; }

    public static PriceListing Of(PriceBook prices, PriceQuery query, bool hasCounts, bool isClamped)
    {
        var fact = prices.FactOf(query.Provider, query.Model, query.At, query.Host, query.KnownAt);
        if (fact is not { Entry: { } entry, Price: { } price })
        {
            return new() { Query = query, Problem = fact.Reason };
        }

        var priced = hasCounts ? prices.Price(query) : null;
        return new()
        {
            Entry = entry,
            Query = query,
            Price = price,
            Revision = fact.Revision,
            Adjustment = fact.Adjustment,
            Cards = [.. CardsOf(price)],
            Priced = priced,
            IsClamped = isClamped,
            Problem = priced is { Cost: { Amount: null, Reason: var reason } } ? reason ?? "the cost is not known" : null,
        };
    }

    public void WriteFields(Utf8JsonWriter json)
    {
        TotalJson.WriteInstant(json, "at", Query.At);
        TotalJson.WriteInstant(json, "known_at", Query.KnownAt);
        if (Entry is not { } entry)
        {
            json.WriteString("certainty", "unknown");
            json.WriteString("reason", Problem);
            return;
        }

        json.WriteString("provider", entry.Provider);
        json.WriteString("model", entry.Id);
        json.WriteString("currency", entry.Currency);
        json.WriteString("revision", Revision);
        PriceAnswer.WriteDay(json, "effective_from"u8, Price!.EffectiveFrom);
        PriceAnswer.WriteDay(json, "known_from"u8, Price.KnownFrom);
        WriteNumber(json, "context_window", entry.ContextWindow);
        WriteNumber(json, "max_output_tokens", entry.MaxOutputTokens);
        json.WriteStartArray("sources");
        foreach (var source in entry.Sources)
        {
            json.WriteStringValue(source);
        }

        json.WriteEndArray();
        if (Adjustment is { } adjustment)
        {
            json.WriteString("discount", Decimals.Text(adjustment.Discount));
            json.WriteString("margin", Decimals.Text(adjustment.Margin));
        }

        json.WriteStartArray("rates");
        foreach (var (condition, rates) in Cards)
        {
            json.WriteStartObject();
            json.WriteString("when", condition);
            for (var kind = 0; kind < RateCard.Kinds; kind++)
            {
                if (rates[(RateKind)kind] is { } rate)
                {
                    json.WriteString(RateCard.FieldNames[kind], Decimals.Text(rate));
                }
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (Priced is not null)
        {
            json.WriteStartObject("cost");
            PriceAnswer.WriteFields(json, Priced, IsClamped, []);
            json.WriteEndObject();
        }
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, long? number)
    {
        if (number is { } value)
        {
            json.WriteNumber(name, value);
        }
        else
        {
            json.WriteNull(name);
        }
    }

    private static IEnumerable<(string Condition, RateCard Rates)> CardsOf(DatedPrice price)
    {
        yield return ("standard", price.Rates);
        foreach (var step in price.Steps)
        {
            yield return (string.Create(CultureInfo.InvariantCulture, $"requests > {step.AboveRequests:N0} a month"), step.Rates);
        }

        foreach (var tier in price.Tiers)
        {
            yield return (Condition(tier), tier.Rates);
        }

        foreach (var window in price.Windows)
        {
            yield return (string.Create(CultureInfo.InvariantCulture, $"{window.From:HH:mm}-{window.Until:HH:mm} UTC"), window.Rates);
        }

        foreach (var (name, mode) in price.Modes.OrderBy(mode => mode.Key, StringComparer.Ordinal))
        {
            yield return (name, mode.Multiplier == 1m ? mode.Rates : price.Rates.OverriddenBy(mode.Rates).WithPremium(mode.Multiplier));
            foreach (var tier in mode.TiersBeside(price.Tiers))
            {
                yield return ($"{name}, {Condition(tier)}", tier.Rates.WithPremium(mode.Multiplier));
            }
        }

        // A premium holds on top of whichever card prices the request.
        foreach (var (name, premium) in price.Regions.OrderBy(region => region.Key, StringComparer.Ordinal))
        {
            yield return (name == DatedPrice.AnyRegion ? "any region" : $"region {name}", price.Rates.WithPremium(premium));
        }
    }

    private static string Condition(PriceTier tier)
    {
        List<string> conditions = [];
        if (tier.AboveInputTokens > 0)
        {
            conditions.Add(string.Create(CultureInfo.InvariantCulture, $"input > {tier.AboveInputTokens:N0}"));
        }

        if (tier.AboveOutputTokens > 0)
        {
            conditions.Add(string.Create(CultureInfo.InvariantCulture, $"output > {tier.AboveOutputTokens:N0}"));
        }

        if (tier.WithReasoning)
        {
            conditions.Add("with reasoning");
        }

        return string.Join(", ", conditions);
    }
}
