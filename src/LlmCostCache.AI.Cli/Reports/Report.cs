using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Reports;

/// <summary>Totals by one or two dimensions.</summary>
internal sealed record Report
{
    public required LedgerDimension By { get; init; }

    public LedgerDimension? ThenBy { get; init; }

    public required TimeZoneInfo Zone { get; init; }

    public required LedgerFilter Filter { get; init; }

    public required IReadOnlyList<LedgerTotal> Groups { get; init; }

    /// <summary>Everything once: by tag, the groups add up to more.</summary>
    public required LedgerTotal Total { get; init; }

    /// <summary>At which rates amounts of other currencies became dollars.</summary>
    public IReadOnlyList<LedgerConversion> Converted { get; init; } = [];

    /// <summary>The currency to show beside dollars; null for none.</summary>
    public DisplayCurrency? Display { get; init; }

    public static Report Nothing(LedgerDimension by, LedgerDimension? thenBy, FilterChoice choice) => new()
    {
        By = by,
        ThenBy = thenBy,
        Zone = choice.Zone ?? TimeZoneInfo.Utc,
        Filter = choice.In(LedgerCalendar.Utc.In(choice.Zone ?? TimeZoneInfo.Utc)),
        Groups = [],
        Total = new(),
    };

    public static async Task<Report> ReadAsync(LedgerView view, LedgerDimension by, LedgerDimension? thenBy, FilterChoice choice, CancellationToken cancellationToken)
    {
        var filter = choice.In(view);
        return new()
        {
            By = by,
            ThenBy = thenBy,
            Zone = view.Calendar.Zone,
            Filter = filter,
            Groups = await view.Ledger.TotalsAsync(by, thenBy, filter, cancellationToken).ConfigureAwait(false),
            Total = (await view.Ledger.TotalsAsync(null, null, filter, cancellationToken).ConfigureAwait(false))[0],
            Converted = await view.Ledger.ConversionsAsync(filter, cancellationToken).ConfigureAwait(false),
        };
    }

    public void WriteFields(Utf8JsonWriter json)
    {
        json.WriteString("by", Dimensions.WordOf(By));
        json.WriteString("then_by", ThenBy is { } second ? Dimensions.WordOf(second) : null);
        json.WriteString("timezone", Zone.Id);
        TotalJson.WriteInstant(json, "since", Filter.Since);
        TotalJson.WriteInstant(json, "until", Filter.Until);
        json.WriteStartArray("groups");
        foreach (var group in Groups)
        {
            json.WriteStartObject();
            json.WriteString("key", group.Key);
            if (ThenBy is not null)
            {
                json.WriteString("then_key", group.ThenKey);
            }

            TotalJson.WriteFields(json, group);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartObject("total");
        TotalJson.WriteFields(json, Total);
        json.WriteEndObject();
        Conversions.WriteFields(json, Converted);
        Display?.WriteFields(json, Total);
    }

    public void Show(IAnsiConsole console)
    {
        var table = new FittingTable().Words(Dimensions.WordOf(By));
        if (ThenBy is { } second)
        {
            table.Words(Dimensions.WordOf(second));
        }

        table.Number("spent").Number("saved", 1).Number("calls").Number("hits", 3).Number("hit rate", 2).Number("tokens", 4).Number("unpriced", 5);
        foreach (var group in Groups)
        {
            table.Row([Name(group.Key), .. ThenBy is null ? Array.Empty<string>() : [Name(group.ThenKey)], .. Cells(group)]);
        }

        table.Row(["total", .. ThenBy is null ? Array.Empty<string>() : [""], .. Cells(Total)]);
        table.WriteTo(console);
        foreach (var note in Notes())
        {
            console.WriteLine(note);
        }
    }

    private IEnumerable<string> Notes()
    {
        if (Total.Unpriced > 0)
        {
            yield return $"Spent {Amounts.Spent(Total)}, {Amounts.Unpriced(Total.Unpriced)}.";
        }

        if (Total.Low != Total.High)
        {
            yield return $"Some costs are estimates: between {Amounts.Text(Total.Low)} and {Amounts.Text(Total.High)}.";
        }

        foreach (var sentence in Conversions.Sentences(Converted))
        {
            yield return sentence;
        }

        if (Display is not null)
        {
            yield return Display.Sentence(Total);
        }

        if (Total.Saved < Money.Zero)
        {
            yield return "The cache spent more than it saved.";
        }

        if (By == LedgerDimension.Tag || ThenBy == LedgerDimension.Tag)
        {
            yield return "A call with several tags counts under each, so the groups may add up to more than the total.";
        }
    }

    private static string Name(string? key) => key ?? "(none)";

    private static string[] Cells(LedgerTotal total) =>
    [
        Amounts.Spent(total), Amounts.Text(total.Saved), Amounts.Count(total.Calls), Amounts.Count(total.Hits), Amounts.HitRateText(total),
        Amounts.Count(total.Usage.TotalTokens), Amounts.Count(total.Unpriced),
    ];
}
