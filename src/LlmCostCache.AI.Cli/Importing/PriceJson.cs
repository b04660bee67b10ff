using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;

namespace LlmCostCache.AI.Cli.Importing;

/// <summary>Writes models and prices in the form that <see cref="PriceFileReader"/> reads.</summary>
internal static class PriceJson
{
    public static void WriteModel(Utf8JsonWriter json, PriceEntry entry, IReadOnlyList<DatedPrice> prices)
    {
        json.WriteStartObject();
        json.WriteString("id", entry.Id);

        // Without a word, a header's provider would be meant.
        json.WriteString("provider", entry.Provider);

        // The reader needs to know an embedding before its prices.
        if (entry.Mode != "chat")
        {
            json.WriteString("mode", entry.Mode);
        }

        WriteTexts(json, "aliases", entry.Aliases);
        WriteTexts(json, "starts_with", entry.StartsWith);
        WriteNumber(json, "context_window", entry.ContextWindow);
        WriteNumber(json, "max_output_tokens", entry.MaxOutputTokens);
        if (entry.Encoding is not null)
        {
            json.WriteString("encoding", entry.Encoding);
        }

        json.WriteString("currency", entry.Currency);
        if (entry.Free || prices.All(price => price.IsFree))
        {
            json.WriteBoolean("free", true);
        }

        if (entry.Checked is { } day)
        {
            json.WriteString("checked", Day(day));
        }

        if (entry.Note is not null)
        {
            json.WriteString("note", entry.Note);
        }

        json.WriteStartArray("prices");
        foreach (var price in prices)
        {
            WritePrice(json, price);
        }

        json.WriteEndArray();
        WriteTexts(json, "sources", entry.Sources);
        json.WriteEndObject();
    }

    public static void WritePrice(Utf8JsonWriter json, DatedPrice price)
    {
        json.WriteStartObject();
        if (price.EffectiveFrom is { } from)
        {
            json.WriteString("effective_from", Day(from));
        }

        if (price.KnownFrom is { } known)
        {
            json.WriteString("known_from", Day(known));
        }

        WriteRates(json, price.Rates);
        WriteTiers(json, price.Tiers);
        WriteSteps(json, price.Steps);
        if (price.Windows.Count > 0)
        {
            json.WriteStartArray("windows");
            foreach (var window in price.Windows)
            {
                json.WriteStartObject();
                json.WriteString("from", window.From.ToString("HH:mm", CultureInfo.InvariantCulture));
                json.WriteString("until", window.Until.ToString("HH:mm", CultureInfo.InvariantCulture));
                WriteRates(json, window.Rates);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        if (price.Modes.Count > 0)
        {
            json.WriteStartObject("modes");
            foreach (var (name, mode) in price.Modes.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                json.WriteStartObject(name);
                if (mode.Multiplier != 1m)
                {
                    json.WriteString("multiplier", Decimals.Text(mode.Multiplier));
                }

                WriteRates(json, mode.Rates);
                WriteTiers(json, mode.Tiers);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        if (price.Regions.Count > 0)
        {
            json.WriteStartObject("regions");
            foreach (var (region, premium) in price.Regions.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                json.WriteString(region, Decimals.Text(premium));
            }

            json.WriteEndObject();
        }

        WriteTexts(json, "sources", price.Sources);
        json.WriteEndObject();
    }

    public static string Day(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static void WriteTiers(Utf8JsonWriter json, IReadOnlyList<PriceTier> tiers)
    {
        if (tiers.Count == 0)
        {
            return;
        }

        json.WriteStartArray("tiers");
        foreach (var tier in tiers)
        {
            json.WriteStartObject();
            WriteNumber(json, "above_input_tokens", tier.AboveInputTokens == 0 ? null : tier.AboveInputTokens);
            WriteNumber(json, "above_output_tokens", tier.AboveOutputTokens == 0 ? null : tier.AboveOutputTokens);
            if (tier.WithReasoning)
            {
                json.WriteBoolean("with_reasoning", true);
            }

            WriteRates(json, tier.Rates);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteSteps(Utf8JsonWriter json, IReadOnlyList<PriceStep> steps)
    {
        if (steps.Count == 0)
        {
            return;
        }

        json.WriteStartObject("volume");
        json.WriteString("period", "month");
        json.WriteStartArray("steps");
        foreach (var step in steps)
        {
            json.WriteStartObject();
            json.WriteNumber("above_requests", step.AboveRequests);
            WriteRates(json, step.Rates);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteRates(Utf8JsonWriter json, RateCard rates)
    {
        for (var kind = (RateKind)0; (int)kind < RateCard.Kinds; kind++)
        {
            if (rates[kind] is { } rate)
            {
                json.WriteString(RateCard.FieldNames[(int)kind], Decimals.Text(rate));
            }
        }
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IReadOnlyList<string> texts)
    {
        if (texts.Count > 0)
        {
            json.WriteStartArray(name);
            foreach (var text in texts)
            {
                json.WriteStringValue(text);
            }

            json.WriteEndArray();
        }
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, long? number)
    {
        if (number is { } value)
        {
            json.WriteNumber(name, value);
        }
    }
}
