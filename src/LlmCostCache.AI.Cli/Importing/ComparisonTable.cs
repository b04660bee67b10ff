using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Importing;

/// <summary>A comparison for people and for machines.</summary>
internal static class ComparisonTable
{
    private const int MostRows = 60;
    private const int MostNamed = 5;

    public static void Show(IAnsiConsole console, PriceComparison comparison)
    {
        var accepted = comparison.Accepted.OrderByDescending(change => change.Kind != ChangeKind.New).ThenByDescending(change => Math.Abs(change.LargestMove?.Percent ?? 0m)).ToArray();
        if (accepted.Length > 0)
        {
            var room = Math.Max(20, console.Profile.Width - 46);
            var table = new FittingTable().Words("change").Words("model").Number("input").Number("output").Words("by", importance: 1).Words("from", importance: 2);
            foreach (var change in accepted.Take(MostRows))
            {
                table.Row(
                    change.Kind.ToString().ToLowerInvariant(), Shortened(change.Name, room), Rates(change, RateKind.Input), Rates(change, RateKind.Output),
                    By(change),
                    change.EffectiveFrom is { } day ? PriceJson.Day(day) : "");
            }

            table.WriteTo(console);
            if (accepted.Length > MostRows)
            {
                console.WriteLine($"... and {Amounts.Count(accepted.Length - MostRows)} more; --json shows all.");
            }

            console.WriteLine();
        }

        ShowQuarantined(console, comparison);
        console.WriteLine(Summary(comparison));
        if (comparison.NotNamed.Count > 0)
        {
            var some = string.Join(", ", comparison.NotNamed.Take(MostNamed).Select(entry => entry.Name));
            console.WriteLine(Shown.OneLine($"In the book only: {some}{(comparison.NotNamed.Count > MostNamed ? ", ..." : "")}. They stay as they are."));
        }
    }

    public static void WriteFields(Utf8JsonWriter json, PriceComparison comparison)
    {
        foreach (var kind in Enum.GetValues<ChangeKind>())
        {
            json.WriteNumber(kind.ToString().ToLowerInvariant(), comparison.Changes.Count(change => !change.IsQuarantined && change.Kind == kind));
        }

        json.WriteNumber("quarantined", comparison.Quarantined.Count());
        json.WriteNumber("not_named", comparison.NotNamed.Count);
        json.WriteStartArray("changes");
        foreach (var change in comparison.Changes.Where(change => change.IsQuarantined || change.Kind != ChangeKind.Unchanged))
        {
            Write(json, change);
        }

        json.WriteEndArray();
        json.WriteStartArray("only_in_book");
        foreach (var entry in comparison.NotNamed)
        {
            json.WriteStringValue(entry.Name);
        }

        json.WriteEndArray();
    }

    /// <summary>The text with its middle left out where it is too long; both ends of a model's name tell it apart.</summary>
    public static string Shortened(string text, int room) =>
        text.Length <= room ? text : string.Concat(text.AsSpan(0, (room - 3) / 2), "...", text.AsSpan(text.Length - (room - 3 - ((room - 3) / 2))));

    private static void ShowQuarantined(IAnsiConsole console, PriceComparison comparison)
    {
        var quarantined = comparison.Quarantined.ToArray();
        if (quarantined.Length == 0)
        {
            return;
        }

        console.WriteLine("Put aside, so that the last good price stays (--allow PROVIDER/MODEL takes one over):");
        foreach (var change in quarantined)
        {
            foreach (var finding in change.Findings.DefaultIfEmpty(new(PriceConcern.NotAPrice, "it has no price that can be one")))
            {
                console.WriteLine(Shown.OneLine($"  {change.Name}, line {change.Model.Entry.Line}: {finding.What}"));
            }
        }

        console.WriteLine();
    }

    private static string Summary(PriceComparison comparison)
    {
        int Of(ChangeKind kind) => comparison.Accepted.Count(change => change.Kind == kind);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Of(ChangeKind.New):N0} new, {Of(ChangeKind.Dearer):N0} dearer, {Of(ChangeKind.Cheaper):N0} cheaper, {Of(ChangeKind.Mixed):N0} mixed, {comparison.Unchanged:N0} unchanged, {comparison.Quarantined.Count():N0} put aside, {comparison.NotNamed.Count:N0} in the book only.");
    }

    private static string Rates(PriceChange change, RateKind kind)
    {
        var (old, now) = (change.Known?.Rates[kind], change.Price!.Rates[kind]);
        var text = now is { } rate ? Decimals.Text(rate) : "-";
        return old is { } before && old != now ? $"{Decimals.Text(before)} > {text}" : text;
    }

    /// <summary>How much the main rates moved, or which other rate did.</summary>
    private static string By(PriceChange change)
    {
        if (change.LargestMove is not { } move)
        {
            return "";
        }

        var percent = move.Percent!.Value.ToString("+0.#;-0.#;0", CultureInfo.InvariantCulture) + "%";
        return move.Rate is "input" or "output" && move.When == "standard" ? percent : $"{percent} {move.Rate.Replace('_', ' ')}{(move.When == "standard" ? "" : $" ({move.When})")}";
    }

    private static void Write(Utf8JsonWriter json, PriceChange change)
    {
        json.WriteStartObject();
        json.WriteString("change", change.IsQuarantined ? "quarantined" : change.Kind.ToString().ToLowerInvariant());
        json.WriteString("provider", change.Model.Entry.Provider);
        json.WriteString("model", change.Model.Entry.Id);
        json.WriteNumber("line", change.Model.Entry.Line);
        json.WriteString("currency", change.Model.Entry.Currency);
        WriteDay(json, "effective_from", change.EffectiveFrom);
        if (change.LargestMove?.Percent is { } percent)
        {
            json.WriteString("percent", Decimals.Text(percent));
        }
        else
        {
            json.WriteNull("percent");
        }

        json.WriteStartArray("rates");
        foreach (var move in change.Known is null && change.Price is { } price ? RateMove.Between(new(new RateCard(new decimal?[RateCard.Kinds])), price) : change.Moves)
        {
            json.WriteStartObject();
            json.WriteString("rate", move.Rate);
            json.WriteString("when", move.When);
            WriteRate(json, "old", move.From);
            WriteRate(json, "new", move.To);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("findings");
        foreach (var finding in change.Findings)
        {
            json.WriteStringValue(finding.What);
        }

        json.WriteEndArray();
        json.WriteBoolean("allowed", change.IsAllowed && !change.IsQuarantined);
        json.WriteEndObject();
    }

    private static void WriteRate(Utf8JsonWriter json, string name, decimal? rate)
    {
        if (rate is { } value)
        {
            json.WriteString(name, Decimals.Text(value));
        }
        else
        {
            json.WriteNull(name);
        }
    }

    private static void WriteDay(Utf8JsonWriter json, string name, DateOnly? day)
    {
        if (day is { } value)
        {
            json.WriteString(name, PriceJson.Day(value));
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
