using System.CommandLine;
using LlmCostCache.AI.Cli.Checkup;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost doctor</c></summary>
internal sealed class DoctorCommand : Command, IHasExamples
{
    private static readonly TimeSpan s_looksBack = TimeSpan.FromDays(30);

    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly FilterOptions _filter = new();

    public DoctorCommand(CommonOptions common, CliHost host)
        : base("doctor", "Look for what is wrong with the installation and the pipeline, and for costs that nobody sees, in the last 30 days; exit code 1 when something was found")
    {
        (_common, _host) = (common, host);
        _filter.AddTo(this, hasStatus: false);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["llmcost doctor", "llmcost doctor --last 7d --project my-app", "llmcost doctor --json"];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var choice = _filter.Read(parse, _host.Time);
        if (choice is { Since: null, Until: null })
        {
            choice = choice with { Since = new TimeBound(_host.Time.GetUtcNow() - s_looksBack, null) };
        }

        var home = _common.HomeOf(parse, _host);
        var results = new InstallationCheck(home, _common, parse, _host).Run().ToList();
        var report = new DoctorReport { Home = home, Results = results };
        if (results.Exists(result => result is { Check: "ledger", IsFinding: false, WhyNotChecked: null }))
        {
            report = await WithCallsAsync(report, choice, PricesOr(parse), cancellationToken).ConfigureAwait(false);
        }

        if (parse.GetValue(_common.Json))
        {
            JsonOutput.Write(_host.Output, "doctor/1", report.WriteFields);
        }
        else
        {
            report.Show(_host.Console);
        }

        return report.Findings.Count > 0 ? ExitCode.Found : ExitCode.Done;
    }

    private async Task<DoctorReport> WithCallsAsync(DoctorReport report, FilterChoice choice, PriceBook prices, CancellationToken cancellationToken)
    {
        var view = LedgerView.Open(report.Home, _host.Time);
        await using (view.ConfigureAwait(false))
        {
            var filter = choice.In(view);
            var habits = new CallHabits(prices, _host.Time);
            using var progress = new Progress(_host, "checking calls");
            view.RowsRead = progress.Add;
            try
            {
                await habits.ReadAsync(view, filter, cancellationToken).ConfigureAwait(false);
            }
            catch (StoreUnavailableException error)
            {
                // What stops the other commands is what this one is asked for.
                var unread = new CheckResult("calls") { What = $"The calls cannot be read to their end: {error.Message}", Remedy = "Put back what is missing; 'llmcost ledger verify' names all that is wrong." };
                return report with { Results = [.. report.Results, unread] };
            }

            return report with { Since = filter.Since, Until = filter.Until, Rows = habits.Rows, Results = [.. report.Results, .. habits.Results()] };
        }
    }

    /// <summary>A price file that cannot be read is a finding of its own; the calls are looked at with the built-in prices then.</summary>
    private PriceBook PricesOr(ParseResult parse)
    {
        try
        {
            return _common.PricesOf(parse, _host);
        }
        catch (LlmCostException)
        {
            return PriceBook.BuiltIn;
        }
    }
}
