using System.CommandLine;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using LlmCostCache.AI.Cli.Repricing;

namespace LlmCostCache.AI.Cli.Savings;

/// <summary>The options of the commands that tell what was saved.</summary>
internal sealed class SavingsOptions
{
    private const long MostCalls = 1_000_000_000_000;

    private readonly FilterOptions _filter = new();
    private readonly Option<long?> _callsPerMonth = new("--calls-per-month")
    {
        Description = "Project the year with so many calls per month [default: as many as there were]",
        HelpName = "COUNT",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(_callsPerMonth);
        _filter.AddTo(command);
    }

    /// <returns>The report, and whether there is a ledger at all.</returns>
    public async Task<(SavingsReport Report, bool IsEmpty)> ReadAsync(ParseResult parse, CommonOptions common, CliHost host, CancellationToken cancellationToken)
    {
        var choice = _filter.Read(parse, host.Time);
        var callsPerMonth = parse.GetValue(_callsPerMonth);
        if (callsPerMonth is < 0 or > MostCalls)
        {
            throw new UsageException($"--calls-per-month is {callsPerMonth}; a number from 0 to {MostCalls} is meant.");
        }

        var run = new SavingsRun(new Repricer(common.PricesOf(parse, host)));
        var now = host.Time.GetUtcNow();
        if (!LedgerView.TryOpen(common.HomeOf(parse, host), host.Time, out var view))
        {
            return (SavingsReport.Nothing(choice, run, callsPerMonth, now), true);
        }

        await using (view.ConfigureAwait(false))
        {
            using var progress = new Progress(host, "reading calls");
            view.RowsRead = progress.Add;
            return (await SavingsReport.ReadAsync(view, choice, run, callsPerMonth, now, cancellationToken).ConfigureAwait(false), false);
        }
    }
}
