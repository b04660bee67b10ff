using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Importing;
using LlmCostCache.AI.Cli.Pricing;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost prices list</c></summary>
internal sealed class PricesListCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly Argument<string?> _text = new("TEXT") { Description = "Only models whose id or other name contains this", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _provider = new("--provider") { Description = "Only this provider", HelpName = "NAME" };
    private readonly Option<string?> _mode = new("--mode") { Description = "Only models of this kind: chat, embedding, responses, completion, realtime, moderation", HelpName = "KIND" };
    private readonly PricingDates _dates = new();

    public PricesListCommand(CommonOptions common, CliHost host)
        : base("list", "List the models that have a price")
    {
        (_common, _host) = (common, host);
        Arguments.Add(_text);
        Options.Add(_provider);
        Options.Add(_mode);
        _dates.AddTo(this);
        SetAction(Run);
    }

    public IReadOnlyList<string> Examples => ["llmcost prices list", "llmcost prices list claude --provider bedrock", "llmcost prices list --mode embedding --json"];

    private int Run(ParseResult parse)
    {
        var (at, knownAt) = _dates.Read(parse, _host.Time);
        var (text, provider, mode) = (parse.GetValue(_text), parse.GetValue(_provider), parse.GetValue(_mode));
        var seller = provider is null ? null : PriceLayer.Key(provider);
        var entries = BookView.Effective(_common.PricesOf(parse, _host), at, knownAt).Entries
            .Where(item => seller is null || (item.Entry.Provider is { } name && PriceLayer.Key(name) == seller))
            .Where(item => mode is null || string.Equals(item.Entry.Mode, mode, StringComparison.OrdinalIgnoreCase))
            .Where(item => text is null || item.Entry.Aliases.Prepend(item.Entry.Id).Any(name => name.Contains(text, StringComparison.OrdinalIgnoreCase)))
            .OrderBy(item => item.Entry.Provider, StringComparer.OrdinalIgnoreCase).ThenBy(item => item.Entry.Id, StringComparer.OrdinalIgnoreCase)
            .ToArray();
        if (parse.GetValue(_common.Json))
        {
            WriteJson(entries, at, knownAt);
        }
        else
        {
            Show(entries);
        }

        return entries.Length == 0 ? ExitCode.Found : ExitCode.Done;
    }

    private void Show(BookEntry[] entries)
    {
        if (entries.Length == 0)
        {
            _host.Error.WriteLine("llmcost: no model of the price book matches; 'llmcost prices list' shows all.");
            return;
        }

        // The columns that always stay need this much beside the name.
        const int Numbers = 30;
        var room = Math.Max(20, _host.Console.Profile.Width - Numbers - entries.Max(item => (item.Entry.Provider ?? "any").Length));
        var table = new FittingTable().Words("provider").Words("model").Number("input").Number("cached", importance: 2).Number("output").Words("cur", importance: 1)
            .Number("context", importance: 4).Words("from", importance: 3).Words("checked", importance: 5);
        foreach (var item in entries)
        {
            table.Row(
                item.Entry.Provider ?? "any", ComparisonTable.Shortened(Shown.OneLine(item.Entry.Id), room), Rate(item, RateKind.Input), Rate(item, RateKind.CachedInput), Rate(item, RateKind.Output),
                item.Entry.Currency, item.Entry.ContextWindow is { } window ? Amounts.Count(window) : "", item.Origin, item.Entry.Checked is { } day ? PriceJson.Day(day) : "");
        }

        table.WriteTo(_host.Console);
        _host.Console.WriteLine();
        _host.Console.WriteLine(Summary(entries));
    }

    private static string Summary(BookEntry[] entries)
    {
        var (models, providers) = (entries.Length, entries.Select(item => item.Entry.Provider).Distinct(StringComparer.OrdinalIgnoreCase).Count());
        var counted = $"{Amounts.Count(models)} {(models == 1 ? "entry" : "entries")} of {Amounts.Count(providers)} {(providers == 1 ? "provider" : "providers")}";
        return NewestDay(entries) is { } day ? $"{counted}, per million tokens; prices as of {PriceJson.Day(day)}" : $"{counted}, per million tokens";
    }

    private static DateOnly? NewestDay(BookEntry[] entries) => entries.Max(item => item.Entry.Checked);

    private static string Rate(BookEntry item, RateKind kind) => item.Price.Rates[kind] is { } rate ? Decimals.Text(rate) : "";

    private void WriteJson(BookEntry[] entries, DateTimeOffset at, DateTimeOffset? knownAt) => JsonOutput.Write(_host.Output, "prices-list/1", json =>
    {
        TotalJson.WriteInstant(json, "at", at);
        TotalJson.WriteInstant(json, "known_at", knownAt);
        json.WriteNumber("count", entries.Length);
        json.WriteNumber("providers", entries.Select(item => item.Entry.Provider).Distinct(StringComparer.OrdinalIgnoreCase).Count());
        WriteText(json, "as_of", NewestDay(entries) is { } newest ? PriceJson.Day(newest) : null);
        json.WriteStartArray("models");
        foreach (var item in entries)
        {
            json.WriteStartObject();
            WriteText(json, "provider", item.Entry.Provider);
            json.WriteString("model", item.Entry.Id);
            json.WriteString("mode", item.Entry.Mode);
            json.WriteString("currency", item.Entry.Currency);
            WriteText(json, "input", Text(item, RateKind.Input));
            WriteText(json, "cached_input", Text(item, RateKind.CachedInput));
            WriteText(json, "output", Text(item, RateKind.Output));
            WriteText(json, "context_window", null, item.Entry.ContextWindow);
            json.WriteString("from", item.Origin);
            WriteText(json, "checked", item.Entry.Checked is { } day ? PriceJson.Day(day) : null);
            json.WriteString("revision", item.Entry.RevisionOf(item.Index));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static string? Text(BookEntry item, RateKind kind) => item.Price.Rates[kind] is { } rate ? Decimals.Text(rate) : null;

    private static void WriteText(Utf8JsonWriter json, string name, string? text, long? number = null)
    {
        if (number is { } value)
        {
            json.WriteNumber(name, value);
        }
        else if (text is not null)
        {
            json.WriteString(name, text);
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
