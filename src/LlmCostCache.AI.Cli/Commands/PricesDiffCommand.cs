using System.CommandLine;
using LlmCostCache.AI.Cli.Importing;
using LlmCostCache.AI.Cli.Pricing;
using LlmCostCache.AI.Cli.Rendering;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost prices diff</c></summary>
internal sealed class PricesDiffCommand : Command, IHasExamples
{
    private const string EffectiveName = "effective";

    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly Argument<string> _old = new("A") { Description = "A price list, or built-in, or effective (the book with your own prices)" };
    private readonly Argument<string> _new = new("B") { Description = "The price list that is held against it" };
    private readonly Option<string> _from = SourceForms.Option();
    private readonly Option<string[]> _providers = new("--provider") { Description = "Only these providers", HelpName = "NAME", AllowMultipleArgumentsPerToken = true };
    private readonly Option<string?> _model = new("--model") { Description = "Only models whose id matches; * stands for anything", HelpName = "GLOB" };
    private readonly PricingDates _dates = new();

    public PricesDiffCommand(CommonOptions common, CliHost host)
        : base("diff", "Compare two price lists; exit code 1 when they differ")
    {
        (_common, _host) = (common, host);
        Arguments.Add(_old);
        Arguments.Add(_new);
        Options.Add(_from);
        Options.Add(_providers);
        Options.Add(_model);
        _dates.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["llmcost prices diff built-in effective", "llmcost prices diff effective api.json --provider openai"];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var (at, knownAt) = _dates.Read(parse, _host.Time);
        var form = SourceForms.Named(parse.GetValue(_from));
        using var lists = new OpenDocuments();
        var (_, book) = await ReadAsync(parse, parse.GetValue(_old)!, form, lists, at, knownAt, cancellationToken).ConfigureAwait(false);
        var (list, other) = await ReadAsync(parse, parse.GetValue(_new)!, form, lists, at, knownAt, cancellationToken).ConfigureAwait(false);
        var choice = new ImportChoice
        {
            Providers = parse.GetValue(_providers) ?? [],
            Model = parse.GetValue(_model),
            From = DateOnly.FromDateTime(at.UtcDateTime),
            KeepsWhatIsNotNamed = list is { Form: not SourceForm.LlmCost },
        };
        var models = list?.Models ?? [.. other.Entries.Select(item => new SourceModel(item.Alone(), []))];
        var comparison = PriceComparison.Of(models, book, (entry, _) => book.Find(entry.Provider, entry.Id) is { } known ? new(known.Entry, known.Index, null) : new(null, -1, "not in the list"), choice);
        if (parse.GetValue(_common.Json))
        {
            JsonOutput.Write(_host.Output, "prices-diff/1", json =>
            {
                json.WriteString("a", parse.GetValue(_old));
                json.WriteString("b", parse.GetValue(_new));
                ComparisonTable.WriteFields(json, comparison);
                if (list is not null)
                {
                    SourceForms.WriteLeftOut(json, list);
                }
            });
        }
        else
        {
            ComparisonTable.Show(_host.Console, comparison);
            if (list is not null)
            {
                SourceForms.ShowLeftOut(_host.Console, list);
            }
        }

        return comparison.Accepted.Any() || comparison.Quarantined.Any() || comparison.NotNamed.Count > 0 ? ExitCode.Found : ExitCode.Done;
    }

    private async Task<(SourceList? List, BookView View)> ReadAsync(
        ParseResult parse, string name, SourceForm? form, OpenDocuments lists, DateTimeOffset at, DateTimeOffset? knownAt, CancellationToken cancellationToken)
    {
        switch (name)
        {
            case BookView.BuiltInName:
                return (null, BookView.BuiltIn(at, knownAt));
            case EffectiveName:
                return (null, BookView.Effective(_common.PricesOf(parse, _host), at, knownAt));
            default:
                var document = lists.Keep(await SourceFile.ReadAsync(name, _host, cancellationToken).ConfigureAwait(false));
                var list = SourceList.Read(document, form);
                return (list, BookView.Of(list.Models.Select(model => model.Entry), name, at, knownAt));
        }
    }

    private sealed class OpenDocuments : IDisposable
    {
        private readonly List<SourceDocument> _documents = [];

        public SourceDocument Keep(SourceDocument document)
        {
            _documents.Add(document);
            return document;
        }

        public void Dispose() => _documents.ForEach(document => document.Dispose());
    }
}
