using System.CommandLine;
using LlmCostCache.AI.Cli.Budgets;
using LlmCostCache.AI.Cli.Rendering;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost budget forget</c></summary>
internal sealed class BudgetForgetCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly BudgetOptions _budget = new();

    public BudgetForgetCommand(CommonOptions common, CliHost host)
        : base("forget", "Take a budget off the list that code gave and no application gives any more; one that still does puts it back when it starts")
    {
        (_common, _host) = (common, host);
        _budget.AddTo(this, changes: true);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["llmcost budget forget --period month --scope project=old-app"];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var home = _common.HomeOf(parse, _host);
        if (!SqliteLedgerStore.Exists(home))
        {
            throw new UsageException($"There is no ledger in {home} yet, so nothing to forget.");
        }

        var store = BudgetStore.Open(home, _host);
        await using (store.ConfigureAwait(false))
        {
            var standing = _budget.Find(parse, await store.Limits.ListAsync(cancellationToken).ConfigureAwait(false));
            if (standing.LimitInCode is not { } limit
                || !await store.Limits.ForgetAsync(standing.Budget, parse.GetValue(_budget.Note), parse.GetValue(_budget.By), cancellationToken).ConfigureAwait(false))
            {
                throw new UsageException($"Budget '{standing.Budget.Name}' is set at run time only; 'llmcost budget remove' takes it away.");
            }

            Say(parse, standing, limit, store.Calendar.Zone);
        }

        return ExitCode.Done;
    }

    private void Say(ParseResult parse, BudgetStanding standing, BudgetAmount limit, TimeZoneInfo zone)
    {
        if (parse.GetValue(_common.Json))
        {
            JsonOutput.Write(_host.Output, "budget-forget/1", json =>
            {
                BudgetFields.Write(json, standing.Budget);
                BudgetFields.Write(json, "old_limit", limit, standing.Budget.Unit);
                Reports.TotalJson.WriteInstant(json, "given_at", standing.GivenSince);
                Reports.TotalJson.WriteInstant(json, "last_given_at", standing.LastGivenAt);
            });
            return;
        }

        var since = standing.LastGivenAt is { } given ? $", which was last given at {BudgetFields.Time(given, zone)}" : "";
        var rest = standing.IsSetAtRunTime ? $" The {BudgetFields.Text(standing.Budget.Amount)} set at run time hold." : "";
        _host.Console.WriteLine(Shown.OneLine($"The {BudgetFields.Text(limit)} of budget '{standing.Budget.Name}' in code{since}, are forgotten.{rest}"));
        _host.Console.WriteLine("What was spent goes on being counted. An application that still gives it keeps to it, and puts it back when it starts next.");
    }
}
