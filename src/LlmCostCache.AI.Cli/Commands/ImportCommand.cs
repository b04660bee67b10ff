using System.CommandLine;
using System.Text.Json;
using LlmCostCache.AI.Cli.Exchange;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost import</c></summary>
internal sealed class ImportCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly Argument<string[]> _files = new("FILE") { Description = "What to import; - is standard input", Arity = ArgumentArity.OneOrMore };
    private readonly Option<string> _from = new("--from") { Description = "Whose files these are; auto looks at how they begin: auto, llmcost, openai, anthropic, tokenkeeper", HelpName = "SOURCE", DefaultValueFactory = _ => ExchangeFormat.Auto };
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Only say what would be recorded" };

    public ImportCommand(CommonOptions common, CliHost host)
        : base("import", "Record calls from our exports, from usage and cost reports of OpenAI and Anthropic, or from tokenkeeper's database; nothing twice. Exit code 1 when rows were rejected")
    {
        (_common, _host) = (common, host);
        _from.AcceptOnlyFromAmong(ExchangeFormat.All);
        Arguments.Add(_files);
        Options.Add(_from);
        Options.Add(_dryRun);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "llmcost import old-laptop.jsonl --dry-run",
        "llmcost import completions_usage_2026-08.csv --from openai",
        "llmcost import ~/.tokenkeeper/tokenkeeper.db --home ./data",
    ];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var (paths, from, isDryRun) = (parse.GetValue(_files)!, parse.GetValue(_from)!, parse.GetValue(_dryRun));
        var home = _common.HomeOf(parse, _host);
        if (paths.Count(static path => path == "-") > 1)
        {
            throw new UsageException("Standard input can be read once; name it once.");
        }

        var sources = new List<(string File, string Source)>();
        var opened = new List<ImportFile>();
        try
        {
            // All of them before anything is written: a name that is wrong is wrong usage, and no half import.
            foreach (var path in paths)
            {
                var file = await ImportFile.OpenAsync(path, from, _host.Input, cancellationToken).ConfigureAwait(false);
                opened.Add(file);
                sources.Add((path, file.Source));
            }

            using var progress = new Rendering.Progress(_host, "reading rows");
            var intake = new Intake(home, isDryRun, _common.PricesOf(parse, _host), _host.Time, progress.Report, _host.SayProgress);
            await using (intake.ConfigureAwait(false))
            {
                var before = BudgetShift.Read(home, intake.Store, _host.Time);
                foreach (var file in opened)
                {
                    await intake.ReadAsync(file.Path, paths.Length > 1 ? file.Path : null, file.ReadAsync(_host.Time.GetUtcNow(), cancellationToken), cancellationToken).ConfigureAwait(false);
                }

                await intake.FlushAsync(cancellationToken).ConfigureAwait(false);
                var shifts = BudgetShift.Between(before, BudgetShift.Read(home, intake.Store, _host.Time));
                var metered = await MeteredAsync(home, intake, cancellationToken).ConfigureAwait(false);
                progress.Dispose();
                Say(parse, intake.Report, isDryRun, sources, shifts, metered);
                return intake.Report.ExitCode;
            }
        }
        finally
        {
            foreach (var file in opened)
            {
                await file.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>Calls of the same providers and days that were metered here, and that a provider's report counts once more.</summary>
    private async Task<long> MeteredAsync(string home, Intake intake, CancellationToken cancellationToken)
    {
        if (intake.Spans.Count == 0 || !LedgerView.TryOpen(home, _host.Time, out var view))
        {
            return 0;
        }

        await using (view.ConfigureAwait(false))
        {
            var calls = 0L;
            foreach (var (provider, span) in intake.Spans)
            {
                var filter = new LedgerFilter { Since = span.First, Until = span.Last.AddDays(1) };
                foreach (var total in await view.Ledger.TotalsAsync(LedgerDimension.Provider, null, filter, cancellationToken).ConfigureAwait(false))
                {
                    calls += total.Key == provider ? Math.Max(0, total.Calls - span.Held) : 0;
                }
            }

            return calls;
        }
    }

    private void Say(ParseResult parse, IntakeReport report, bool isDryRun, List<(string File, string Source)> sources, IReadOnlyList<BudgetShift> shifts, long metered)
    {
        if (metered > 0)
        {
            _host.Error.WriteLine($"llmcost: the ledger also holds {Amounts.Count(metered, "other row")} of these providers and days; a provider's report counts calls that were metered here once more");
        }

        if (!parse.GetValue(_common.Json))
        {
            report.Show(_host.Console, _host.Error, isDryRun);
            foreach (var shift in shifts)
            {
                _host.Console.WriteLine(Shown.OneLine(shift.Sentence));
            }

            return;
        }

        JsonOutput.Write(_host.Output, "import/1", json =>
        {
            json.WriteStartArray("files");
            foreach (var (file, source) in sources)
            {
                json.WriteStartObject();
                json.WriteString("file", file);
                json.WriteString("source", source);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            report.WriteFields(json, isDryRun);
            json.WriteNumber("metered_too", metered);
            BudgetShift.Write(json, shifts);
        });
    }
}
