using System.CommandLine;
using LlmCostCache.AI.Cli.Importing;
using LlmCostCache.AI.Cli.Pricing;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost prices check</c></summary>
internal sealed class PricesCheckCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly Argument<string?> _file = new("FILE") { Description = "A price list; without one, your own prices: prices.json, LLMCOSTCACHE_PRICES, LLMCOSTCACHE_FX", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string> _from = SourceForms.Option();

    public PricesCheckCommand(CommonOptions common, CliHost host)
        : base("check", "Look for prices that are wrong, look wrong, or are never used; exit code 1 when there are any")
    {
        (_common, _host) = (common, host);
        Arguments.Add(_file);
        Options.Add(_from);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["llmcost prices check", "llmcost prices check my-prices.json"];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var check = await CheckAsync(parse, cancellationToken).ConfigureAwait(false);
        if (parse.GetValue(_common.Json))
        {
            WriteJson(check);
        }
        else
        {
            foreach (var finding in check.Findings)
            {
                _host.Console.WriteLine(Shown.OneLine(finding.Words));
            }

            var day = check.BookDay is { } newest ? $"; the built-in prices are of {PriceJson.Day(newest)}" : "";
            _host.Console.WriteLine($"{Amounts.Count(check.Checked)} {(check.Checked == 1 ? "price" : "prices")} checked, {(check.Findings.Count == 0 ? "nothing wrong" : $"{Amounts.Count(check.Findings.Count)} found")}{day}.");
        }

        return check.Findings.Count == 0 ? ExitCode.Done : ExitCode.Found;
    }

    private async Task<PriceCheck> CheckAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var (home, now) = (_common.HomeOf(parse, _host), _host.Time.GetUtcNow());
        if (parse.GetValue(_file) is not { } file)
        {
            return PriceCheck.OfHome(home, _host.Environment, now);
        }

        using var document = await SourceFile.ReadAsync(file, _host, cancellationToken).ConfigureAwait(false);
        return PriceCheck.OfList(SourceList.Read(document, SourceForms.Named(parse.GetValue(_from))), PriceBook.BuiltIn, now);
    }

    private void WriteJson(PriceCheck check) => JsonOutput.Write(_host.Output, "prices-check/1", json =>
    {
        json.WriteNumber("checked", check.Checked);
        json.WriteString("as_of", check.BookDay is { } day ? PriceJson.Day(day) : null);
        json.WriteStartArray("findings");
        foreach (var finding in check.Findings)
        {
            json.WriteStartObject();
            json.WriteString("source", finding.Source);
            if (finding.Line is { } line)
            {
                json.WriteNumber("line", line);
            }
            else
            {
                json.WriteNull("line");
            }

            json.WriteString("name", finding.Model);
            json.WriteString("problem", finding.What);
            json.WriteString("remedy", finding.Remedy);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });
}
