using System.CommandLine;
using LlmCostCache.AI.Cli.Live;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost blocks</c></summary>
internal sealed class BlocksCommand : Command, IHasExamples
{
    private const int MostHours = 168;

    private static readonly TimeSpan s_shown = TimeSpan.FromDays(3);

    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly FilterOptions _filter = new();
    private readonly Option<int> _hours = new("--hours") { Description = "How many hours a block has", HelpName = "COUNT", DefaultValueFactory = _ => 5 };

    public BlocksCommand(CommonOptions common, CliHost host)
        : base("blocks", "Show how fast money goes: blocks of work, the rate of the last hour, and where the running block and the budgets end")
    {
        (_common, _host) = (common, host);
        Options.Add(_hours);
        _filter.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["llmcost blocks", "llmcost blocks --hours 1 --last 24h --user alice", "llmcost blocks --json"];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var hours = parse.GetValue(_hours);
        if (hours is < 1 or > MostHours)
        {
            throw new UsageException($"--hours is {hours}; a number from 1 to {MostHours} is meant.");
        }

        var now = _host.Time.GetUtcNow();
        var choice = _filter.Read(parse, _host.Time);
        if (choice is { Since: null, Until: null })
        {
            choice = choice with { Since = new TimeBound(now - s_shown, null) };
        }

        var (home, json) = (_common.HomeOf(parse, _host), parse.GetValue(_common.Json));
        if (!LedgerView.TryOpen(home, _host.Time, out var view))
        {
            Empty.Say(_host, home, json);
            if (json)
            {
                var nothing = new BlocksReport { At = now, Zone = choice.Zone ?? TimeZoneInfo.Utc, Blocks = [], Budgets = [] };
                JsonOutput.Write(_host.Output, "blocks/1", nothing.WriteFields);
            }

            return ExitCode.Done;
        }

        await using (view.ConfigureAwait(false))
        {
            var report = await ReadAsync(view, choice, TimeSpan.FromHours(hours), now, cancellationToken).ConfigureAwait(false);
            if (json)
            {
                JsonOutput.Write(_host.Output, "blocks/1", report.WriteFields);
            }
            else
            {
                report.Show(_host.Console);
            }
        }

        return ExitCode.Done;
    }

    private async Task<BlocksReport> ReadAsync(LedgerView view, FilterChoice choice, TimeSpan length, DateTimeOffset now, CancellationToken cancellationToken)
    {
        // Ends before anything is shown: both may go to the same terminal.
        using var progress = new Progress(_host, "adding up hours");
        view.RowsRead = progress.Add;
        return await BlocksReport.ReadAsync(view, choice, length, now, cancellationToken).ConfigureAwait(false);
    }
}
