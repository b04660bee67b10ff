using System.CommandLine;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary>Bare <c>llmcost</c>: the command line answers before it is asked.</summary>
/// <remarks>Not a <see cref="RootCommand"/>, whose name in the help is that of whatever process hosts it.</remarks>
internal sealed class OverviewCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly Option<string?> _zone = new("--timezone") { Description = "The zone of days, weeks and months [default: the one the application configured]", HelpName = "ZONE" };

    public OverviewCommand(CommonOptions common, CliHost host)
        : base("llmcost", "What was spent on language models, on what, and what was saved.")
    {
        (_common, _host) = (common, host);
        Options.Add(common.Home);
        Options.Add(common.Json);
        Options.Add(_zone);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["llmcost", "llmcost --home ./data --json"];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var home = _common.HomeOf(parse, _host);
        var json = parse.GetValue(_common.Json);
        var zone = parse.GetValue(_zone) is { } name ? FilterOptions.ZoneOf(name) : null;
        var view = SqliteLedgerStore.Exists(home) ? LedgerView.Open(home, _host.Time) : null;
        try
        {
            if (view is null)
            {
                Empty.Say(_host, home, json);
                Empty.SayHowToBegin(_host, json);
            }

            var overview = await ReadAsync(view, zone, home, cancellationToken).ConfigureAwait(false);
            if (json)
            {
                JsonOutput.Write(_host.Output, OverviewJson.Schema, new OverviewJson(overview).WriteFields);
            }
            else if (view is not null)
            {
                new OverviewText(overview, _host).Show();
            }
        }
        finally
        {
            if (view is not null)
            {
                await view.DisposeAsync().ConfigureAwait(false);
            }
        }

        return ExitCode.Done;
    }

    private async Task<Overview> ReadAsync(LedgerView? view, TimeZoneInfo? zone, string home, CancellationToken cancellationToken)
    {
        // Ends before anything is shown: both may go to the same terminal.
        using var progress = new Progress(_host, "adding up");
        if (view is not null)
        {
            view.RowsRead = progress.Add;
        }

        var overview = await Overview.ReadAsync(view, zone, _host.Time.GetUtcNow(), cancellationToken).ConfigureAwait(false);
        return overview with { Display = DisplayCurrency.Of(view, home, _host) };
    }
}
