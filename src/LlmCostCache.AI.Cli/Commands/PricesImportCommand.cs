using System.CommandLine;
using System.CommandLine.Parsing;
using LlmCostCache.AI.Cli.Importing;
using LlmCostCache.AI.Cli.Pricing;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost prices import</c></summary>
internal sealed class PricesImportCommand : Command, IHasExamples
{
    private const int ProgressEvery = 1_000;

    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly Argument<string> _file = new("FILE") { Description = "The price list; - is standard input" };
    private readonly Option<string> _from = SourceForms.Option();
    private readonly Option<string[]> _providers = new("--provider") { Description = "Only these providers", HelpName = "NAME", AllowMultipleArgumentsPerToken = true };
    private readonly Option<string?> _model = new("--model") { Description = "Only models whose id matches; * stands for anything", HelpName = "GLOB" };
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Only show what would change; the default" };
    private readonly Option<bool> _apply = new("--apply") { Description = "Write the changes to prices.json in the home directory" };
    private readonly Option<string[]> _allow = new("--allow") { Description = "Take over a price that was put aside", HelpName = "PROVIDER/MODEL", AllowMultipleArgumentsPerToken = true };
    private readonly Option<DateOnly?> _effectiveFrom = new("--effective-from")
    {
        Description = "The first day of changed prices [default: today]",
        HelpName = "DAY",
        CustomParser = ParseDay,
    };

    public PricesImportCommand(CommonOptions common, CliHost host)
        : base("import", "Show what a price list would change, and write it to prices.json with --apply")
    {
        (_common, _host) = (common, host);
        Arguments.Add(_file);
        foreach (var option in (ReadOnlySpan<Option>)[_from, _providers, _model, _dryRun, _apply, _allow, _effectiveFrom])
        {
            Options.Add(option);
        }

        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "llmcost prices import model_prices_and_context_window.json --provider openai anthropic",
        "llmcost prices import api.json --from models.dev --model \"gpt-*\" --apply",
        "curl -s https://models.dev/api.json | llmcost prices import - --apply",
    ];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var isApplied = parse.GetValue(_apply);
        if (isApplied && parse.GetValue(_dryRun))
        {
            throw new UsageException("--apply writes and --dry-run does not; leave one of them out.");
        }

        var home = _common.HomeOf(parse, _host);
        var store = new PriceFileStore(Path.Combine(home, PriceBook.FileName));
        var before = store.Read();
        IReadOnlyList<PriceEntry> mine = before is null ? [] : PriceFileReader.Read(before, store.Path);

        // The environment is stronger than the file: compared with it, the same list would change the file again and again.
        var book = PriceBook.Load(new LlmCostsOptions(), home, _ => null);
        var today = DateOnly.FromDateTime(_host.Time.GetUtcNow().UtcDateTime);
        using var document = await SourceFile.ReadAsync(parse.GetValue(_file)!, _host, cancellationToken).ConfigureAwait(false);
        var list = SourceList.Read(document, SourceForms.Named(parse.GetValue(_from)));
        var choice = new ImportChoice
        {
            Providers = parse.GetValue(_providers) ?? [],
            Model = parse.GetValue(_model),
            Allowed = parse.GetValue(_allow) ?? [],
            From = parse.GetValue(_effectiveFrom) ?? today,
            KeepsWhatIsNotNamed = list.Form != SourceForm.LlmCost,
        };
        var view = BookView.Effective(book, new(choice.From.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero));
        var comparison = PriceComparison.Of(list.Models, view, (entry, at) => book.FactOf(entry.Provider, entry.Id, at), choice, done => TellProgress(done, list.Models.Count));
        var additions = PriceImport.AdditionsOf(comparison, book, mine, choice.From, today);
        var isWritten = isApplied && additions.Count > 0;
        if (isWritten)
        {
            Write(store, before, additions, home);
        }

        TellAllowedInVain(choice, comparison);
        if (parse.GetValue(_common.Json))
        {
            JsonOutput.Write(_host.Output, "prices-import/1", json =>
            {
                json.WriteString("source", document.Name);
                json.WriteString("form", SourceForms.NameOf(list.Form));
                json.WriteBoolean("applied", isWritten);
                json.WriteString("file", store.Path);
                json.WriteNumber("written", isWritten ? additions.Count : 0);
                ComparisonTable.WriteFields(json, comparison);
                SourceForms.WriteLeftOut(json, list);
            });
        }
        else
        {
            ComparisonTable.Show(_host.Console, comparison);
            SourceForms.ShowLeftOut(_host.Console, list);
            _host.Console.WriteLine(Shown.OneLine(isWritten ? $"Written to {store.Path}{(before is null ? "" : $"; the file as it was is {store.BackupPath}")}."
                : additions.Count == 0 ? "Nothing to write."
                : $"Nothing was written; --apply writes this to {store.Path}."));
        }

        return comparison.Quarantined.Any() ? ExitCode.Found : ExitCode.Done;
    }

    private static void Write(PriceFileStore store, byte[]? before, IReadOnlyList<PriceAddition> additions, string home)
    {
        var text = PriceFileEdit.Apply(before, additions);

        // Read it as the library will, before it can be what the library reads.
        _ = PriceFileReader.Read(text, store.Path);
        LlmCostsHome.Prepare(home);
        store.Replace(before, text);
    }

    private void TellProgress(int done, int all)
    {
        if (done % ProgressEvery == 0)
        {
            _host.Error.WriteLine($"llmcost: {Amounts.Count(done)} of {Amounts.Count(all)} models compared");
        }
    }

    private void TellAllowedInVain(ImportChoice choice, PriceComparison comparison)
    {
        foreach (var name in choice.Allowed.Where(name => !comparison.Changes.Any(change => string.Equals(change.Name, name, StringComparison.OrdinalIgnoreCase) && change.Findings.Count > 0)))
        {
            _host.Error.WriteLine(Shown.OneLine($"llmcost: --allow {name}: no price of that name was put aside; names are like openai/gpt-4o."));
        }
    }

    private static DateOnly? ParseDay(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (Instants.TryParseDay(text, out var day))
        {
            return day;
        }

        result.AddError($"--effective-from '{text}' is not a day like 2026-08-22.");
        return null;
    }
}
