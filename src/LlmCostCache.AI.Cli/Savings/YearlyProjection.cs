using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Savings;

/// <summary>What a year would save: saved per call times calls per year, with both factors in sight, so that a figure that is hundreds of times too large is seen to be.</summary>
internal sealed record YearlyProjection
{
    private const int DaysOfYear = 365;

    /// <summary>Below that, days of the week weigh more than anything else.</summary>
    private const int FewDays = 14;

    public required Money Saved { get; init; }

    public required long Calls { get; init; }

    /// <summary>How many days the calls cover.</summary>
    public required decimal Days { get; init; }

    /// <summary>Calls per month that somebody assumes; null when the ledger says how many there are.</summary>
    public long? CallsPerMonth { get; init; }

    /// <summary>Null without calls, or with less than a day of them: nobody knows a year after an hour.</summary>
    public decimal? CallsPerYear => Calls == 0 ? null : CallsPerMonth is { } assumed ? assumed * 12m : Days < 1 ? null : Calls / Days * DaysOfYear;

    public decimal? UsdPerCall => Calls == 0 ? null : Saved.Usd / Calls;

    public decimal? UsdPerYear => UsdPerCall * CallsPerYear;

    public void WriteFields(Utf8JsonWriter json)
    {
        json.WriteStartObject("year");
        json.WriteString("saved_per_call_usd", Text(UsdPerCall, 12));
        json.WriteString("calls_per_year", Text(CallsPerYear, 2));
        json.WriteString("saved_per_year_usd", Text(UsdPerYear, 9));
        json.WriteNumber("days", decimal.Round(Days, 2));
        json.WriteBoolean("calls_assumed", CallsPerMonth is not null);
        json.WriteEndObject();
    }

    public IEnumerable<string> Sentences()
    {
        var days = Days < 1 ? "less than a day" : Days.ToString("0.#", CultureInfo.InvariantCulture) is var count && count == "1" ? "1 day" : $"{count} days";
        if (UsdPerYear is not { } year)
        {
            yield return Calls == 0 ? "No calls, so there is nothing to project." : $"A year cannot be projected from {days} of calls; --calls-per-month assumes a number.";
            yield break;
        }

        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"A year: {Dollars(UsdPerCall!.Value, "0.00#######")} saved per call x {CallsPerYear:#,0} calls per year = {Dollars(year, "#,0.00")}.");
        yield return CallsPerMonth is { } assumed
            ? $"The calls per year are assumed: 12 x {Amounts.Count(assumed)}. What a call saves is measured on {Amounts.Count(Calls, "call")}."
            : $"Both factors are measured on {days}{(Days < FewDays ? ", which is little: weekdays and weekends may weigh wrongly" : "")}.";
    }

    private static string Dollars(decimal amount, string format) => (amount < 0 ? "-$" : "$") + Math.Abs(amount).ToString(format, CultureInfo.InvariantCulture);

    private static string? Text(decimal? amount, int digits) => amount is { } value ? Decimals.Text(decimal.Round(value, digits)) : null;
}
