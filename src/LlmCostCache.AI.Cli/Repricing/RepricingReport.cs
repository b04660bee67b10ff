using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Pricing;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Repricing;

/// <summary>What was booked beside what the same calls cost at other prices.</summary>
internal sealed record RepricingReport
{
    public DateOnly? EffectiveOn { get; init; }

    public DateTimeOffset? KnownAt { get; init; }

    public LedgerDimension? By { get; init; }

    public required TimeZoneInfo Zone { get; init; }

    public required LedgerFilter Filter { get; init; }

    public required IReadOnlyList<RepricedTotal> Groups { get; init; }

    /// <summary>Everything once: by tag, the groups add up to more.</summary>
    public required RepricedTotal Total { get; init; }

    public void WriteFields(Utf8JsonWriter json)
    {
        PriceAnswer.WriteDay(json, "as_effective_at"u8, EffectiveOn);
        TotalJson.WriteInstant(json, "as_known_at", KnownAt);
        json.WriteString("by", By is { } dimension ? Dimensions.WordOf(dimension) : null);
        json.WriteString("timezone", Zone.Id);
        TotalJson.WriteInstant(json, "since", Filter.Since);
        TotalJson.WriteInstant(json, "until", Filter.Until);
        json.WriteStartArray("groups");
        foreach (var group in Groups)
        {
            json.WriteStartObject();
            json.WriteString("key", group.Key);
            WriteTotal(json, group);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartObject("total");
        WriteTotal(json, Total);
        json.WriteEndObject();
    }

    public void Show(IAnsiConsole console)
    {
        var table = new FittingTable().Words(By is { } dimension ? Dimensions.WordOf(dimension) : "")
            .Number("booked").Number("repriced").Number("difference").Number("percent", 1).Number("calls", 3).Number("changed", 4)
            .Number("unpriced", 2).Number("now unpriced", 2);
        foreach (var group in Groups)
        {
            table.Row([group.Key ?? "(none)", .. Cells(group)]);
        }

        table.Row(["total", .. Cells(Total)]);
        table.WriteTo(console);
        foreach (var note in Notes())
        {
            console.WriteLine(note);
        }
    }

    private static void WriteTotal(Utf8JsonWriter json, RepricedTotal total)
    {
        json.WriteNumber("calls", total.Calls);
        WriteSum(json, "booked", total.Booked);
        WriteSum(json, "repriced", total.Repriced);
        json.WriteString("difference_usd", Decimals.Text(total.Difference));
        json.WriteNumber("difference_nanos", total.Difference.Nanos);
        if (total.Percent is { } percent)
        {
            json.WriteNumber("difference_percent", percent);
        }
        else
        {
            json.WriteNull("difference_percent");
        }

        json.WriteNumber("changed", total.Changed);
        WriteRows(json, "now_priced", total.NowPriced);
        WriteRows(json, "no_longer_priced", total.NoLongerPriced);
        json.WriteStartObject("kept");
        WriteRows(json, "provider_cost", total.ProviderCost);
        WriteRows(json, "price_in_code", total.PricedInCode);
        WriteRows(json, "not_from_counts", total.NotFromCounts);
        json.WriteEndObject();
    }

    private static void WriteSum(Utf8JsonWriter json, string name, RepricedTotal.BookedSum sum)
    {
        json.WriteStartObject(name);
        json.WriteString("spent_usd", Decimals.Text(sum.Spent));
        json.WriteNumber("spent_nanos", sum.Spent.Nanos);
        json.WriteNumber("low_nanos", sum.Low.Nanos);
        json.WriteNumber("high_nanos", sum.High.Nanos);
        json.WriteNumber("unpriced", sum.Unpriced);
        json.WriteEndObject();
    }

    private static void WriteRows(Utf8JsonWriter json, string name, RepricedTotal.RowSum rows)
    {
        json.WriteStartObject(name);
        json.WriteNumber("calls", rows.Calls);
        json.WriteNumber("cost_nanos", rows.Cost.Nanos);
        json.WriteEndObject();
    }

    private static string[] Cells(RepricedTotal total) =>
    [
        Spent(total.Booked), Spent(total.Repriced), Signed(total.Difference),
        total.Percent is { } percent ? percent.ToString("+0.00'%';-0.00'%';0.00'%'", CultureInfo.InvariantCulture) : "-",
        Amounts.Count(total.Calls), Amounts.Count(total.Changed), Amounts.Count(total.Booked.Unpriced), Amounts.Count(total.Repriced.Unpriced),
    ];

    private static string Spent(RepricedTotal.BookedSum sum) => sum.Unpriced > 0 ? $">= {Amounts.Text(sum.Spent)}" : Amounts.Text(sum.Spent);

    private static string Signed(Money amount) => amount.Nanos switch
    {
        0 => Amounts.Text(amount),
        < 0 => $"-{Amounts.Text(-amount)}",
        _ => $"+{Amounts.Text(amount)}",
    };

    private IEnumerable<string> Notes()
    {
        yield return $"Prices {(EffectiveOn is { } day ? string.Create(CultureInfo.InvariantCulture, $"in effect on {day:O}") : "in effect when each call was made")}, as known "
            + $"{(KnownAt is { } known ? known.UtcDateTime.ToString("'on' yyyy-MM-dd", CultureInfo.InvariantCulture) : "now")}. The ledger was not changed.";
        if (Total.NowPriced.Calls > 0)
        {
            yield return $"{Calls(Total.NowPriced)} had no price when booked and {Verb(Total.NowPriced, "costs", "cost")} {Amounts.Text(Total.NowPriced.Cost)} now; that is part of the difference.";
        }

        if (Total.NoLongerPriced.Calls > 0)
        {
            yield return $"{Calls(Total.NoLongerPriced)}, booked at {Amounts.Text(Total.NoLongerPriced.Cost)}, {Verb(Total.NoLongerPriced, "has", "have")} no price here; that is part of the difference.";
        }

        if (Total.Repriced.Low != Total.Repriced.High)
        {
            yield return $"Some costs are estimates: repriced between {Amounts.Text(Total.Repriced.Low)} and {Amounts.Text(Total.Repriced.High)}.";
        }

        if (Total.ProviderCost.Calls > 0)
        {
            yield return $"{Calls(Total.ProviderCost)} {Verb(Total.ProviderCost, "keeps", "keep")} the {Amounts.Text(Total.ProviderCost.Cost)} that the provider itself reported.";
        }

        if (Total.PricedInCode.Calls > 0)
        {
            yield return $"{Calls(Total.PricedInCode)} {Verb(Total.PricedInCode, "keeps", "keep")} the {Amounts.Text(Total.PricedInCode.Cost)} of prices, discounts or margins that llmcost cannot see, because the application sets them in code or they were changed since.";
        }

        if (Total.NotFromCounts.Calls > 0)
        {
            yield return $"{Calls(Total.NotFromCounts)} {Verb(Total.NotFromCounts, "keeps", "keep")} {Amounts.Text(Total.NotFromCounts.Cost)} that was not computed from counts.";
        }

        if (By == LedgerDimension.Tag)
        {
            yield return "A call with several tags counts under each, so the groups may add up to more than the total.";
        }
    }

    private static string Verb(RepricedTotal.RowSum rows, string one, string many) => rows.Calls == 1 ? one : many;

    private static string Calls(RepricedTotal.RowSum rows) => rows.Calls == 1 ? "1 call" : $"{Amounts.Count(rows.Calls)} calls";
}
