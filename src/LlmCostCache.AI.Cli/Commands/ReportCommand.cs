using System.CommandLine;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost report</c></summary>
internal sealed class ReportCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly FilterOptions _filter = new();
    private readonly Option<string?> _by = Dimension("--by", "What to group by [default: model]");
    private readonly Option<string?> _thenBy = Dimension("--then-by", "What to group each group by");

    public ReportCommand(CommonOptions common, CliHost host)
        : base("report", "Show what was spent and saved, by one or two dimensions")
    {
        (_common, _host) = (common, host);
        Options.Add(_by);
        Options.Add(_thenBy);
        _filter.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "llmcost report --by team --then-by model --last 7d",
        "llmcost report --by day --since 2026-08-01 --until 2026-09-01 --timezone Europe/Berlin",
    ];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var by = parse.GetValue(_by) is { } first ? Dimensions.Of(first) : LedgerDimension.Model;
        var thenBy = parse.GetValue(_thenBy) is { } second ? Dimensions.Of(second) : (LedgerDimension?)null;
        if (by == thenBy)
        {
            throw new UsageException($"--by and --then-by are both {Dimensions.WordOf(by)}; choose two.");
        }

        var choice = _filter.Read(parse, _host.Time);
        var home = _common.HomeOf(parse, _host);
        var json = parse.GetValue(_common.Json);
        if (!LedgerView.TryOpen(home, _host.Time, out var view))
        {
            var nothing = Report.Nothing(by, thenBy, choice);
            Empty.Say(_host, home, json);
            Write(nothing, json, isEmpty: true);
            return ExitCode.Done;
        }

        await using (view.ConfigureAwait(false))
        {
            var report = await Report.ReadAsync(view, by, thenBy, choice, cancellationToken).ConfigureAwait(false);
            Write(report with { Display = DisplayCurrency.Of(view, home, _host) }, json, isEmpty: false);
        }

        return ExitCode.Done;
    }

    private void Write(Report report, bool json, bool isEmpty)
    {
        if (json)
        {
            JsonOutput.Write(_host.Output, "report/1", report.WriteFields);
        }
        else if (!isEmpty)
        {
            report.Show(_host.Console);
        }
    }

    private static Option<string?> Dimension(string name, string description)
    {
        var option = new Option<string?>(name) { Description = $"{description}: {string.Join(", ", Dimensions.Words)}", HelpName = "DIMENSION" };
        option.AcceptOnlyFromAmong(Dimensions.Words);
        return option;
    }
}
