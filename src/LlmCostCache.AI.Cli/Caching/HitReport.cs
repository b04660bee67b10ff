using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Caching;

/// <summary>How often the cache answered, by the ledger's account.</summary>
internal sealed record HitReport
{
    /// <summary>The word of this report for <see cref="LedgerDimension.CacheLayer"/>.</summary>
    public const string LayerWord = "layer";

    /// <summary>The layer of rows that no layer answered.</summary>
    private static readonly string s_noLayer = LedgerWords.Word(CacheLayer.None);

    public required LedgerDimension By { get; init; }

    public required TimeZoneInfo Zone { get; init; }

    public required LedgerFilter Filter { get; init; }

    public required IReadOnlyList<HitCount> Groups { get; init; }

    /// <summary>Everything once: by tag, the groups add up to more.</summary>
    public required HitCount Total { get; init; }

    public static string[] Words => [LayerWord, .. Dimensions.Words.Where(word => Dimensions.Of(word) is not (LedgerDimension.CacheLayer or LedgerDimension.Status))];

    public static LedgerDimension DimensionOf(string word) => word == LayerWord ? LedgerDimension.CacheLayer : Dimensions.Of(word);

    public static HitReport Nothing(LedgerDimension by, FilterChoice choice)
    {
        var calendar = LedgerCalendar.Utc.In(choice.Zone ?? TimeZoneInfo.Utc);
        return new() { By = by, Zone = calendar.Zone, Filter = choice.In(calendar), Groups = [], Total = new(Key: null) };
    }

    public static async Task<HitReport> ReadAsync(LedgerView view, LedgerDimension by, FilterChoice choice, CancellationToken cancellationToken)
    {
        var filter = choice.In(view);
        var groups = await view.Ledger.TotalsAsync(by, LedgerDimension.Status, filter, cancellationToken).ConfigureAwait(false);
        var statuses = await view.Ledger.TotalsAsync(LedgerDimension.Status, null, filter, cancellationToken).ConfigureAwait(false);
        return new()
        {
            By = by,
            Zone = view.Calendar.Zone,
            Filter = filter,
            Groups = [.. groups.GroupBy(total => total.Key).Select(group => group.Aggregate(new HitCount(group.Key), (count, rows) => count.Plus(LedgerWords.Status(rows.ThenKey!), rows)))],
            Total = statuses.Aggregate(new HitCount(Key: null), (count, rows) => count.Plus(LedgerWords.Status(rows.Key!), rows)),
        };
    }

    public void WriteFields(Utf8JsonWriter json)
    {
        json.WriteString("by", Word(By));
        json.WriteString("timezone", Zone.Id);
        TotalJson.WriteInstant(json, "since", Filter.Since);
        TotalJson.WriteInstant(json, "until", Filter.Until);
        json.WriteStartArray("groups");
        foreach (var group in Groups)
        {
            json.WriteStartObject();
            json.WriteString("key", group.Key);
            WriteFields(json, group);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartObject("total");
        WriteFields(json, Total);
        json.WriteEndObject();
    }

    public void Show(IAnsiConsole console)
    {
        var table = new FittingTable().Words(Word(By)).Number("hit rate").Number("hits").Number("coalesced", 2).Number("misses").Number("saved").Number("spent", 1);
        foreach (var group in Groups)
        {
            table.Row([NameOf(group), .. Cells(group)]);
        }

        table.Row(["total", .. Cells(Total)]);
        table.WriteTo(console);
        foreach (var note in Notes())
        {
            console.WriteLine(note);
        }
    }

    private IEnumerable<string> Notes()
    {
        yield return "Hits came from a layer, coalesced calls shared the answer of an identical call under way; both count as hits in the rate. Misses are all other calls that a provider answered.";
        if (Total.NotCounted > 0)
        {
            yield return $"{Amounts.Count(Total.NotCounted)} {(Total.NotCounted == 1 ? "call was" : "calls were")} refused or failed and {(Total.NotCounted == 1 ? "is" : "are")} in no column.";
        }

        if (Total.Net != Total.Saved)
        {
            yield return $"The cache itself spent {Amounts.Text(Total.Saved - Total.Net)}, so {Amounts.Text(Total.Net)} was saved in net.";
        }

        if (Total.Unpriced > 0)
        {
            yield return $"Spent >= {Amounts.Text(Total.Spent)}, {Amounts.Unpriced(Total.Unpriced)}.";
        }

        if (By == LedgerDimension.Tag)
        {
            yield return "A call with several tags counts under each, so the groups may add up to more than the total.";
        }
    }

    // A layer has no misses of its own: its rate is its share of all calls.
    private decimal? RateOf(HitCount count)
    {
        var lookups = By == LedgerDimension.CacheLayer ? Total.Lookups : count.Lookups;
        return lookups == 0 || (By == LedgerDimension.CacheLayer && IsProvider(count)) ? null : decimal.Round((decimal)count.Answered / lookups, 4);
    }

    private string NameOf(HitCount count) => By == LedgerDimension.CacheLayer && IsProvider(count) ? "(provider)" : count.Key ?? "(none)";

    private bool IsProvider(HitCount count) => !ReferenceEquals(count, Total) && (count.Key is null || count.Key == s_noLayer);

    private string[] Cells(HitCount count) =>
    [
        RateOf(count) is { } rate ? rate.ToString("0.0%", CultureInfo.InvariantCulture) : "-", Amounts.Count(count.Hits), Amounts.Count(count.Coalesced), Amounts.Count(count.Misses),
        Amounts.Text(count.Saved), count.Unpriced > 0 ? $">= {Amounts.Text(count.Spent)}" : Amounts.Text(count.Spent),
    ];

    private void WriteFields(Utf8JsonWriter json, HitCount count)
    {
        if (RateOf(count) is { } rate)
        {
            json.WriteNumber("hit_rate", rate);
        }
        else
        {
            json.WriteNull("hit_rate");
        }

        json.WriteNumber("hits", count.Hits);
        json.WriteNumber("coalesced", count.Coalesced);
        json.WriteNumber("misses", count.Misses);
        json.WriteNumber("not_counted", count.NotCounted);
        json.WriteString("saved_usd", Decimals.Text(count.Saved));
        json.WriteNumber("saved_nanos", count.Saved.Nanos);
        json.WriteString("net_usd", Decimals.Text(count.Net));
        json.WriteNumber("net_nanos", count.Net.Nanos);
        json.WriteString("spent_usd", Decimals.Text(count.Spent));
        json.WriteNumber("spent_nanos", count.Spent.Nanos);
        json.WriteNumber("unpriced", count.Unpriced);
    }

    private static string Word(LedgerDimension by) => by == LedgerDimension.CacheLayer ? LayerWord : Dimensions.WordOf(by);
}
