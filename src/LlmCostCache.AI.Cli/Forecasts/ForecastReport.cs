using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Live;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Forecasts;

/// <summary>A forecast with the period it is for and what it goes by.</summary>
internal sealed record ForecastReport
{
    public required DateTimeOffset At { get; init; }

    public required TimeZoneInfo Zone { get; init; }

    public required string Period { get; init; }

    public required DateTimeOffset Since { get; init; }

    public required DateTimeOffset Until { get; init; }

    public required SpendForecast Forecast { get; init; }

    /// <summary>Calls of the period whose cost is unknown: the forecast does not contain calls like them.</summary>
    public long Unpriced { get; init; }

    /// <summary>The same of the four weeks that it goes by, which may have begun before the period.</summary>
    public long UnpricedHistory { get; init; }

    public void WriteFields(Utf8JsonWriter json)
    {
        TotalJson.WriteInstant(json, "at", At);
        json.WriteString("timezone", Zone.Id);
        json.WriteString("period", Period);
        TotalJson.WriteInstant(json, "since", Since);
        TotalJson.WriteInstant(json, "until", Until);
        Write(json, "spent", Forecast.Spent);
        Write(json, "expected", Forecast.Expected);
        Write(json, "low", Forecast.Low);
        Write(json, "high", Forecast.High);
        json.WriteNumber("confidence", SpendForecast.Confidence);
        json.WriteString("basis", BlocksReport.BasisWord(Forecast.Basis));
        json.WriteNumber("history_days", Forecast.HistoryDays);
        json.WriteNumber("unpriced", Unpriced);
        json.WriteNumber("unpriced_history", UnpricedHistory);
    }

    public void Show(IAnsiConsole console)
    {
        var least = Unpriced > 0 ? ">= " : "";
        console.WriteLine($"This {Period}, until {TimeZoneInfo.ConvertTime(Until, Zone).ToString("yyyy-MM-dd HH:mm zzz", CultureInfo.InvariantCulture)}");
        console.WriteLine();
        console.WriteLine($"Spent so far:         {least}{Amounts.Text(Forecast.Spent)}");
        console.WriteLine($"Expected at the end:  {(Forecast.Expected is { } expected ? $"{(UnpricedHistory > 0 ? ">= " : least)}{Rounded(expected)}" : Forecast.SilentDays is null ? "too little history" : "not known")}");
        if (Forecast is { Low: { } low, High: { } high })
        {
            console.WriteLine($"In 4 of 5 cases:      {Rounded(low)} to {Rounded(high)}");
        }

        console.WriteLine();
        foreach (var sentence in Sentences())
        {
            console.WriteLine(sentence);
        }
    }

    private IEnumerable<string> Sentences()
    {
        yield return Forecast.Basis switch
        {
            ProjectionBasis.None when Forecast.SilentDays is { } days => $"Nothing was spent in the last {(days == 0 ? "hour" : Amounts.Count(days, "day"))}. If that goes on, nothing is added; if not, there is nothing to go by.",
            ProjectionBasis.None => "Less than an hour of calls, or none in the last four weeks, says nothing about the rest.",
            ProjectionBasis.LastHour => "Goes by the last hour. With less than a day of history nights are not known: take it for a rate, not for a forecast.",
            ProjectionBasis.LastDay when Forecast.HistoryDays < SpendForecast.LeastDays => $"Goes by the last 24 hours, of {Days} of history: too little to say how far off it may be.",
            ProjectionBasis.LastDay => $"Goes by the last 24 hours, of {Days} of history. Below two weeks weekends are not told from working days, so the interval is wide.",
            _ => $"Goes by each hour of the week in {Days} of history, at the level of the last seven days. The interval knows how much days differed, and no launch or change to come.",
        };
        if (Unpriced > 0)
        {
            yield return $"{Amounts.Unpriced(Unpriced)} in this period: the end is a lower bound too.";
        }
        else if (UnpricedHistory > 0 && Forecast.Expected is not null)
        {
            yield return $"{Amounts.Unpriced(UnpricedHistory)} in the last four weeks, which it goes by: the end is a lower bound.";
        }
    }

    private string Days => Amounts.Count(Forecast.HistoryDays, "whole day");

    /// <summary>Nobody knows the future to the micro-dollar.</summary>
    private static string Rounded(Money amount) => amount.Usd >= 1 ? amount.ToString("#,0.00", CultureInfo.InvariantCulture) : Amounts.Text(amount);

    private static void Write(Utf8JsonWriter json, string name, Money? amount)
    {
        if (amount is { } known)
        {
            json.WriteString($"{name}_usd", Decimals.Text(known));
            json.WriteNumber($"{name}_nanos", known.Nanos);
        }
        else
        {
            json.WriteNull($"{name}_usd");
            json.WriteNull($"{name}_nanos");
        }
    }
}
