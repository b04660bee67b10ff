using System.CommandLine;
using LlmCostCache.AI.Cli.Budgets;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost budget grant</c></summary>
internal sealed class BudgetGrantCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly BudgetOptions _budget = new();
    private readonly Argument<string> _amount = new("AMOUNT") { Description = "How much on top of the limit, in the unit of the budget" };
    private readonly Option<string> _until = new("--until") { Description = "When it ends, such as 2026-12-01 or 2026-12-01T18:00:00Z; a day begins in the zone of the ledger", HelpName = "TIME", Required = true };
    private readonly Option<string?> _from = new("--from") { Description = "When it begins [default: now]", HelpName = "TIME" };
    private readonly Option<string?> _key = new("--key") { Description = "The one value of a budget for each user and the like, such as user=alice [default: every value]", HelpName = "NAME=VALUE" };

    public BudgetGrantCommand(CommonOptions common, CliHost host)
        : base("grant", "Allow more on top of a budget's limit until a time")
    {
        (_common, _host) = (common, host);
        Arguments.Add(_amount);
        Options.Add(_until);
        Options.Add(_from);
        Options.Add(_key);
        _budget.AddTo(this, changes: true);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "llmcost budget grant 50 --period month --until 2030-01-01 --note \"launch\"",
        "llmcost budget grant 10 --scope \"user=*\" --period day --key user=alice --until 2030-01-01",
    ];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var until = TimeBound.Parse("--until", parse.GetValue(_until)!);
        var from = parse.GetValue(_from) is { } text ? TimeBound.Parse("--from", text) : (TimeBound?)null;
        var home = _common.HomeOf(parse, _host);
        if (!SqliteLedgerStore.Exists(home))
        {
            throw new UsageException($"There is no ledger in {home} yet, so no budget to grant anything on top of. Set one with 'llmcost budget set'.");
        }

        var store = BudgetStore.Open(home, _host);
        await using (store.ConfigureAwait(false))
        {
            var budget = _budget.Find(parse, await store.Limits.ListAsync(cancellationToken).ConfigureAwait(false)).Budget;
            var amount = BudgetOptions.Amount("AMOUNT", parse.GetValue(_amount)!, budget.Unit);
            BudgetGrant grant;
            try
            {
                grant = await store.Limits.GrantAsync(budget, amount, until.In(store.Calendar), from?.In(store.Calendar), parse.GetValue(_key),
                    parse.GetValue(_budget.Note), parse.GetValue(_budget.By), cancellationToken).ConfigureAwait(false);
            }
            catch (ArgumentException wrong)
            {
                throw new UsageException(BudgetOptions.Sentence(wrong));
            }

            if (parse.GetValue(_common.Json))
            {
                JsonOutput.Write(_host.Output, "budget-grant/1", json =>
                {
                    BudgetFields.Write(json, budget);
                    BudgetFields.WriteFields(json, grant);
                });
            }
            else
            {
                _host.Console.WriteLine(Shown.OneLine($"Grant {grant.Id}: {BudgetFields.Text(amount)} on top of budget '{budget.Name}'{(grant.Key is null ? "" : $" for {grant.Key}")} "
                    + $"until {BudgetFields.Time(grant.Until, store.Calendar.Zone)}. 'llmcost budget remove --grant {grant.Id}' takes it back."));
            }
        }

        return ExitCode.Done;
    }
}
