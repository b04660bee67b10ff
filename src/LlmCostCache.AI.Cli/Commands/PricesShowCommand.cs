using System.CommandLine;
using System.Text.Json;
using LlmCostCache.AI.Cli.Importing;
using LlmCostCache.AI.Cli.Pricing;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost prices show</c></summary>
internal sealed class PricesShowCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly Argument<string> _model = new("MODEL") { Description = "The id of the model, as its provider reports it" };
    private readonly Option<string?> _provider = new("--provider") { Description = "The provider; needed when several sell a model of that name", HelpName = "NAME" };
    private readonly PricingDates _dates = new();

    public PricesShowCommand(CommonOptions common, CliHost host)
        : base("show", "Show everything that is known about the price of a model, and how its name was understood")
    {
        (_common, _host) = (common, host);
        Arguments.Add(_model);
        Options.Add(_provider);
        _dates.AddTo(this);
        SetAction(Run);
    }

    public IReadOnlyList<string> Examples => ["llmcost prices show claude-sonnet-4-5", "llmcost prices show o3 --as-of 2025-06-09"];

    private int Run(ParseResult parse)
    {
        var (at, knownAt) = _dates.Read(parse, _host.Time);
        var (book, model, provider) = (_common.PricesOf(parse, _host), parse.GetValue(_model)!, parse.GetValue(_provider));
        var resolution = book.Resolve(provider, model);
        var listing = PriceListing.Of(book, new() { Provider = provider, Model = model, At = at, KnownAt = knownAt, Usage = new() }, hasCounts: false, isClamped: false);
        var suggestions = resolution.Entry is null && resolution.Candidates.Count == 0 ? NearestNames.In(book, model, provider, at) : [];
        if (parse.GetValue(_common.Json))
        {
            JsonOutput.Write(_host.Output, "prices-show/1", json => WriteFields(json, book, listing, resolution, model, suggestions));
        }
        else if (listing.Entry is { } entry)
        {
            Show(book, listing, entry, model);
        }
        else
        {
            Explain(listing, resolution, suggestions);
        }

        return listing.Entry is null ? ExitCode.Found : ExitCode.Done;
    }

    private void Show(PriceBook book, PriceListing listing, PriceEntry entry, string model)
    {
        PriceTable.Show(_host.Console, listing);
        _host.Console.WriteLine();
        var facts = new FittingTable().Words("").Words("");
        facts.Row("found by", NameMatch.Words(entry, model));
        facts.Row("comes from", OriginOf(book, entry) is { } layer ? $"{layer.Source}, line {entry.Line}" : entry.KnownFrom == "rule" ? "a rule" : "the built-in prices");
        foreach (var (name, value) in Facts(entry))
        {
            facts.Row(name, value);
        }

        facts.WriteTo(_host.Console);
        _host.Console.WriteLine();
        var history = new FittingTable().Words("in effect from").Words("known from", importance: 1).Number("input").Number("cached", importance: 2).Number("output").Words("revision", importance: 3);
        for (var i = 0; i < entry.Prices.Count; i++)
        {
            var price = entry.Prices[i];
            history.Row(
                price.EffectiveFrom is { } from ? PriceJson.Day(from) : "the start", price.KnownFrom is { } known ? PriceJson.Day(known) : entry.KnownFrom, Rate(price, RateKind.Input),
                Rate(price, RateKind.CachedInput), Rate(price, RateKind.Output), entry.RevisionOf(i));
        }

        history.WriteTo(_host.Console);
    }

    private static IEnumerable<(string Name, string Value)> Facts(PriceEntry entry)
    {
        yield return ("kind", entry.Mode);
        if (entry.Aliases.Count > 0)
        {
            yield return ("also called", string.Join(", ", entry.Aliases));
        }

        if (entry.StartsWith.Count > 0)
        {
            yield return ("dated forms of", string.Join(", ", entry.StartsWith));
        }

        if (entry.ContextWindow is { } window)
        {
            yield return ("context window", $"{Amounts.Count(window)} tokens");
        }

        if (entry.MaxOutputTokens is { } most)
        {
            yield return ("longest answer", $"{Amounts.Count(most)} tokens");
        }

        if (entry.Encoding is { } encoding)
        {
            yield return ("encoding", encoding);
        }

        if (entry.Sources.Count > 0)
        {
            yield return ("sources", string.Join(", ", entry.Sources));
        }

        if (entry.Checked is { } day)
        {
            yield return ("checked", PriceJson.Day(day));
        }

        if (entry.Note is { } note)
        {
            yield return ("note", note);
        }
    }

    private void Explain(PriceListing listing, Resolution resolution, IReadOnlyList<string> suggestions)
    {
        _host.Error.WriteLine(Shown.OneLine($"llmcost: {listing.Problem}"));
        foreach (var candidate in resolution.Candidates)
        {
            var price = candidate.Prices[^1];
            _host.Error.WriteLine(Shown.OneLine($"  {candidate.Id} --provider {candidate.Provider ?? "any"}: input {Rate(price, RateKind.Input)}, output {Rate(price, RateKind.Output)} {candidate.Currency}"));
        }

        if (resolution is { Entry: null, Candidates.Count: 0 })
        {
            _host.Error.WriteLine(NearestNames.Sentence(suggestions));
        }
    }

    private static PriceLayer? OriginOf(PriceBook book, PriceEntry entry) => book.Layers.FirstOrDefault(layer => layer.Entries.Contains(entry));

    private static void WriteFields(Utf8JsonWriter json, PriceBook book, PriceListing listing, Resolution resolution, string model, IReadOnlyList<string> suggestions)
    {
        json.WriteString("asked", model);
        listing.WriteFields(json);
        if (listing.Entry is not { } entry)
        {
            WriteTexts(json, "suggestions", suggestions);
            WriteTexts(json, "candidates", resolution.Candidates.Select(candidate => $"{candidate.Provider ?? "any"}/{candidate.Id}"));
            return;
        }

        json.WriteString("found_by", NameMatch.Words(entry, model));
        json.WriteString("mode", entry.Mode);
        json.WriteString("from", OriginOf(book, entry) is { } layer ? layer.Origin : entry.KnownFrom == "rule" ? "rule" : BookView.BuiltInName);
        json.WriteString("file", OriginOf(book, entry)?.Source);
        json.WriteNumber("line", entry.Line);
        json.WriteString("checked", entry.Checked is { } day ? PriceJson.Day(day) : null);
        json.WriteString("note", entry.Note);
        json.WriteString("encoding", entry.Encoding);
        WriteTexts(json, "aliases", entry.Aliases);
        WriteTexts(json, "starts_with", entry.StartsWith);
        json.WriteStartArray("history");
        for (var i = 0; i < entry.Prices.Count; i++)
        {
            var price = entry.Prices[i];
            json.WriteStartObject();
            json.WriteString("effective_from", price.EffectiveFrom is { } from ? PriceJson.Day(from) : null);
            json.WriteString("known_from", price.KnownFrom is { } known ? PriceJson.Day(known) : null);
            json.WriteString("input", price.Rates[RateKind.Input] is { } input ? Decimals.Text(input) : null);
            json.WriteString("cached_input", price.Rates[RateKind.CachedInput] is { } cached ? Decimals.Text(cached) : null);
            json.WriteString("output", price.Rates[RateKind.Output] is { } output ? Decimals.Text(output) : null);
            json.WriteString("revision", entry.RevisionOf(i));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }

    private static string Rate(DatedPrice price, RateKind kind) => price.Rates[kind] is { } rate ? Decimals.Text(rate) : "";
}
