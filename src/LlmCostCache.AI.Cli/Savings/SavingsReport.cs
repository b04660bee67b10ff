using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Savings;

/// <summary>What was saved, by layer and lever, before and after everything is taken off.</summary>
internal sealed record SavingsReport
{
    private const string Formula = "net = what the call would have cost at that moment - the discount that the provider's own prompt cache would have given - what the cache itself cost";

    public required TimeZoneInfo Zone { get; init; }

    public required LedgerFilter Filter { get; init; }

    public required SavingsRun Run { get; init; }

    public required YearlyProjection Year { get; init; }

    /// <summary>All layers together, less what the cache itself spent: the same figure as "saved" in every other report.</summary>
    public SavingsLever Cache => SavingsLever.Sum("response_cache", [.. Run.Layers, Run.OwnCosts]);

    /// <summary>What the calls would have cost had there been no cache.</summary>
    public Money Without => Run.Spent + Cache.Net;

    /// <summary>Whether it may be more: calls have no price, or nobody knows what hits saved.</summary>
    public bool IsLeast => Run.Unpriced > 0 || Cache.Unknown > 0;

    /// <summary>The share of that which was saved; null when nothing would have been spent.</summary>
    public decimal? Share => Without <= Money.Zero ? null : decimal.Round((decimal)Cache.Net.Nanos / Without.Nanos, 4);

    /// <summary>Which way the share may be off: calls without a price make it too large, hits of which nobody knows what they saved too small. Null when it is neither.</summary>
    public string? ShareBound => (Run.Unpriced > 0, Cache.Unknown > 0) switch
    {
        (true, true) => "neither",
        (true, false) => "at_most",
        (false, true) => "at_least",
        _ => null,
    };

    /// <summary>The share for people, such as <c>at most 58.3 %</c>; null when there is none.</summary>
    public string? ShareText => Share is { } share ? $"{ShareBound switch { "at_most" => "at most ", "at_least" => "at least ", "neither" => "of what is known ", _ => "" }}{Percent(share)}" : null;

    /// <param name="view">The ledger.</param>
    /// <param name="choice">Which calls.</param>
    /// <param name="run">Reads them.</param>
    /// <param name="callsPerMonth">Assumed for the year; null to measure.</param>
    /// <param name="now">Now.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task<SavingsReport> ReadAsync(LedgerView view, FilterChoice choice, SavingsRun run, long? callsPerMonth, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var filter = choice.In(view);
        await run.ReadAsync(view, filter, cancellationToken).ConfigureAwait(false);
        var (since, until) = await MeasuredSpan.OfAsync(view, filter, run.FirstCall, now, cancellationToken).ConfigureAwait(false);
        return Of(filter, view.Calendar.Zone, run, since, until, callsPerMonth);
    }

    /// <summary>Of a home without a ledger.</summary>
    public static SavingsReport Nothing(FilterChoice choice, SavingsRun run, long? callsPerMonth, DateTimeOffset now)
    {
        var zone = choice.Zone ?? TimeZoneInfo.Utc;
        return Of(choice.In(LedgerCalendar.Utc.In(zone)), zone, run, now, now, callsPerMonth);
    }

    public void WriteFields(Utf8JsonWriter json)
    {
        json.WriteString("timezone", Zone.Id);
        TotalJson.WriteInstant(json, "since", Filter.Since);
        TotalJson.WriteInstant(json, "until", Filter.Until);
        json.WriteNumber("calls", Run.Calls);
        json.WriteNumber("hits", Run.Hits);
        json.WriteNumber("unpriced", Run.Unpriced);
        json.WriteString("spent_usd", Decimals.Text(Run.Spent));
        json.WriteNumber("spent_nanos", Run.Spent.Nanos);
        json.WriteNumber("low_nanos", Run.Low.Nanos);
        json.WriteString("saved_usd", Decimals.Text(Cache.Net));
        json.WriteNumber("saved_nanos", Cache.Net.Nanos);
        json.WriteString("without_cache_usd", Decimals.Text(Without));
        json.WriteNumber("without_cache_nanos", Without.Nanos);
        if (Share is { } share)
        {
            json.WriteNumber("saved_share", share);
        }
        else
        {
            json.WriteNull("saved_share");
        }

        json.WriteString("saved_share_bound", ShareBound);
        json.WriteString("formula", Formula);
        WriteLevers(json, "layers", Run.Layers);
        WriteLevers(json, "levers", [Cache, Run.PromptCache, Run.ServiceTiers]);
        json.WriteStartObject("own_costs");
        Write(json, Run.OwnCosts);
        json.WriteEndObject();
        Year.WriteFields(json);
    }

    public void Show(IAnsiConsole console)
    {
        var table = new FittingTable().Words("lever").Number("calls", 1).Number("gross").Number("taken off", 2).Number("net");
        foreach (var layer in Run.Layers)
        {
            Row(table, layer.Name, layer);
        }

        Row(table, "cost of the cache itself", Run.OwnCosts);
        Row(table, "cache, all together", Cache);
        Row(table, "provider's prompt cache", Run.PromptCache);
        Row(table, "service tiers", Run.ServiceTiers);
        table.WriteTo(console);
        console.WriteLine();
        foreach (var sentence in Sentences())
        {
            console.WriteLine(sentence);
        }
    }

    /// <summary>For example <c>58.3 %</c>.</summary>
    public static string Percent(decimal share) => share.ToString("0.0 %", CultureInfo.InvariantCulture);

    private static SavingsReport Of(LedgerFilter filter, TimeZoneInfo zone, SavingsRun run, DateTimeOffset since, DateTimeOffset until, long? callsPerMonth)
    {
        var report = new SavingsReport
        {
            Zone = zone,
            Filter = filter,
            Run = run,
            Year = new() { Saved = Money.Zero, Calls = 0, Days = 0 },
        };
        return report with
        {
            Year = new() { Saved = report.Cache.Net, Calls = run.Requests, Days = MeasuredSpan.Days(since, until), CallsPerMonth = callsPerMonth },
        };
    }

    private IEnumerable<string> Sentences()
    {
        var (least, verb) = (IsLeast ? "at least " : "", Run.Unpriced > 0 ? "cost at least" : "cost");
        yield return $"Without the cache these calls would have cost {least}{Amounts.Text(Without)}; they {verb} {Amounts.Text(Run.Spent)}. "
            + (Cache.Net < Money.Zero ? $"The cache cost {Amounts.Text(-Cache.Net)} more than it saved." : $"The cache saved {Amounts.Text(Cache.Net)}{(ShareText is { } share ? $", {share}" : "")}.");
        if (Run.Low != Run.Spent)
        {
            yield return $"Some of what they cost are estimates: between {Amounts.Text(Run.Low)} and {Amounts.Text(Run.Spent)}.";
        }

        yield return $"{Formula}.";
        if (Run.PromptCache.Calls + Run.ServiceTiers.Calls > 0)
        {
            yield return "The prompt cache and the tiers are offers of the provider: they made what was paid smaller and are not part of what our cache saved.";
        }

        var unknown = Cache.Unknown + Run.PromptCache.Unknown + Run.ServiceTiers.Unknown;
        if (unknown > 0)
        {
            yield return $"Of {Amounts.Count(unknown, "call")} it is not known what {(unknown == 1 ? "it" : "they")} saved; nothing is counted for {(unknown == 1 ? "it" : "them")}.";
        }

        if (Run.Unpriced > 0)
        {
            yield return $"{Amounts.Unpriced(Run.Unpriced)}.";
        }

        foreach (var sentence in Year.Sentences())
        {
            yield return sentence;
        }
    }

    private static void Row(FittingTable table, string name, SavingsLever lever) =>
        table.Row(name, Amounts.Count(lever.Calls), Amounts.Text(lever.Gross), Amounts.Text(lever.Less), Amounts.Text(lever.Net));

    private static void WriteLevers(Utf8JsonWriter json, string name, IReadOnlyList<SavingsLever> levers)
    {
        json.WriteStartArray(name);
        foreach (var lever in levers)
        {
            json.WriteStartObject();
            json.WriteString("name", lever.Name);
            Write(json, lever);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, SavingsLever lever)
    {
        json.WriteNumber("calls", lever.Calls);
        json.WriteNumber("gross_nanos", lever.Gross.Nanos);
        json.WriteNumber("less_nanos", lever.Less.Nanos);
        json.WriteNumber("net_nanos", lever.Net.Nanos);
        json.WriteNumber("unknown", lever.Unknown);
    }
}
