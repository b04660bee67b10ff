using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;

namespace LlmCostCache.AI.Cli.Reports;

/// <summary>Says which amounts of a report came from another currency, and at which rates.</summary>
internal static class Conversions
{
    private const int MaxNamed = 4;

    public static void WriteFields(Utf8JsonWriter json, IReadOnlyList<LedgerConversion> conversions)
    {
        json.WriteStartArray("conversions");
        foreach (var (currency, rate, day, calls) in conversions)
        {
            json.WriteStartObject();
            json.WriteString("currency", currency);
            json.WriteString("fx_rate", Decimals.Text(rate));
            json.WriteString("fx_date", DayText(day));
            json.WriteNumber("calls", calls);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>A sentence for each currency, as in "12 calls in CNY, converted at 7.20 (assumed) and 7.10 (2026-08-22)."</summary>
    public static IEnumerable<string> Sentences(IReadOnlyList<LedgerConversion> conversions)
    {
        foreach (var currency in conversions.GroupBy(conversion => conversion.Currency))
        {
            var calls = currency.Sum(conversion => conversion.Calls);
            LedgerConversion[] rates = [.. currency];
            yield return $"{Amounts.Count(calls)} {(calls == 1 ? "call" : "calls")} in {Shown.OneLine(currency.Key)}, converted at {Rates(rates)}.";
        }
    }

    public static string Rate(decimal rate, DateOnly? day) => $"{rate.ToString("0.00##########", CultureInfo.InvariantCulture)} ({DayText(day) ?? "assumed"})";

    private static string Rates(LedgerConversion[] rates)
    {
        if (rates.Length > MaxNamed)
        {
            var (first, last) = (rates.MinBy(rate => rate.Rate)!, rates.MaxBy(rate => rate.Rate)!);
            return $"{Amounts.Count(rates.Length)} rates from {Rate(first.Rate, first.Day)} to {Rate(last.Rate, last.Day)}";
        }

        var words = Array.ConvertAll(rates, rate => Rate(rate.Rate, rate.Day));
        return words.Length == 1 ? words[0] : $"{string.Join(", ", words[..^1])} and {words[^1]}";
    }

    private static string? DayText(DateOnly? day) => day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
