using System.CommandLine;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using LlmCostCache.AI.Cli.Savings;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost savings</c></summary>
internal sealed class SavingsCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly SavingsOptions _options = new();

    public SavingsCommand(CommonOptions common, CliHost host)
        : base("savings", "Show what was saved, by cache layer and lever, before and after what is taken off, and what that makes in a year")
    {
        (_common, _host) = (common, host);
        _options.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "llmcost savings --last 4w",
        "llmcost savings --since 2026-11-01 --project my-app --json",
        "llmcost savings --calls-per-month 10000",
    ];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var json = parse.GetValue(_common.Json);
        var (report, isEmpty) = await _options.ReadAsync(parse, _common, _host, cancellationToken).ConfigureAwait(false);
        if (isEmpty)
        {
            Empty.Say(_host, _common.HomeOf(parse, _host), json);
        }

        if (json)
        {
            JsonOutput.Write(_host.Output, "savings/1", report.WriteFields);
        }
        else if (!isEmpty)
        {
            report.Show(_host.Console);
        }

        return ExitCode.Done;
    }
}
