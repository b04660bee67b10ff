using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;

namespace LlmCostCache.AI.Cli.Pricing;

/// <summary>The fields of a priced usage as machines read them.</summary>
internal static class PriceAnswer
{
    public static void WriteFields(Utf8JsonWriter json, PricedUsage priced, bool isClamped, IReadOnlyList<string> unknownCounts)
    {
        var cost = priced.Cost;
        json.WriteString("certainty"u8, Word(cost.Certainty));
        if (cost.Amount is { } amount)
        {
            json.WriteString("cost_usd"u8, Decimals.Text(amount));
            json.WriteNumber("cost_nanos"u8, amount.Nanos);
        }
        else
        {
            json.WriteNull("cost_usd"u8);
            json.WriteNull("cost_nanos"u8);
        }

        if (priced.Model is not null)
        {
            WritePrice(json, priced);
        }

        if (cost.Amount is not null)
        {
            json.WriteStartObject("parts"u8);
            foreach (var name in RateCard.PartNames)
            {
                if (priced.Parts.TryGetValue(name, out var part))
                {
                    json.WriteString(name, Decimals.Text(part));
                }
            }

            json.WriteEndObject();
        }

        if (cost.Certainty == CostCertainty.Bounded)
        {
            json.WriteString("low_usd"u8, Decimals.Text(cost.Low));
            json.WriteString("high_usd"u8, Decimals.Text(cost.High));
        }

        WriteRemarks(json, cost.Reason, isClamped, unknownCounts);
    }

    public static string Word(CostCertainty certainty) => certainty switch
    {
        CostCertainty.Known => "known",
        CostCertainty.Bounded => "bounded",
        _ => "unknown",
    };

    /// <summary>What there is to say in one sentence, or null.</summary>
    public static string? Remark(string? reason, bool isClamped, IReadOnlyList<string> unknownCounts)
    {
        List<string> remarks = [];
        if (reason is not null)
        {
            remarks.Add(reason);
        }

        if (isClamped)
        {
            remarks.Add("counts contradicted each other and were cut to input_tokens and output_tokens");
        }

        if (unknownCounts.Count > 0)
        {
            remarks.Add($"not priced, because the count is not known: {string.Join(", ", unknownCounts)}");
        }

        return remarks.Count == 0 ? null : string.Join("; ", remarks);
    }

    public static void WriteDay(Utf8JsonWriter json, ReadOnlySpan<byte> name, DateOnly? day)
    {
        if (day is not { } date)
        {
            json.WriteNull(name);
            return;
        }

        Span<char> text = stackalloc char[10];
        date.TryFormat(text, out _, "O", System.Globalization.CultureInfo.InvariantCulture);
        json.WriteString(name, text);
    }

    private static void WritePrice(Utf8JsonWriter json, PricedUsage priced)
    {
        json.WriteString("currency"u8, priced.Currency);
        if (priced is { NativeCost: { } native, FxRate: { } rate })
        {
            json.WriteString("native_cost"u8, Decimals.Text(native));
            json.WriteString("fx_rate"u8, Decimals.Text(rate));
            WriteDay(json, "fx_date"u8, priced.FxDate);
        }

        json.WriteString("model"u8, priced.Model);
        json.WriteString("revision"u8, priced.Cost.PriceRevision);
        if (priced.Cost.PriceRevision is not null)
        {
            WriteDay(json, "effective_from"u8, priced.EffectiveFrom);
            WriteDay(json, "known_from"u8, priced.KnownFrom);
        }
    }

    private static void WriteRemarks(Utf8JsonWriter json, string? reason, bool isClamped, IReadOnlyList<string> unknownCounts)
    {
        if (isClamped || unknownCounts.Count > 0)
        {
            json.WriteStartArray("flags"u8);
            if (isClamped)
            {
                json.WriteStringValue(UsageFlags.Clamped);
            }

            if (unknownCounts.Count > 0)
            {
                json.WriteStringValue("unknown_count"u8);
            }

            json.WriteEndArray();
        }

        if (Remark(reason, isClamped, unknownCounts) is { } remark)
        {
            json.WriteString("reason"u8, remark);
        }
    }
}
