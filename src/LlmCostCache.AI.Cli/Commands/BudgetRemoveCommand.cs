using System.CommandLine;
using LlmCostCache.AI.Cli.Budgets;
using LlmCostCache.AI.Cli.Rendering;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost budget remove</c></summary>
internal sealed class BudgetRemoveCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly BudgetOptions _budget = new();
    private readonly Option<long?> _grant = new("--grant") { Description = "Take this grant back instead of a limit", HelpName = "N" };

    public BudgetRemoveCommand(CommonOptions common, CliHost host)
        : base("remove", "Take away a limit that was set at run time, or a grant; what was spent stays, and a limit in code holds again")
    {
        (_common, _host) = (common, host);
        Options.Add(_grant);
        _budget.AddTo(this, changes: true);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["llmcost budget remove --scope \"user=*\" --period day", "llmcost budget remove --grant 3"];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var home = _common.HomeOf(parse, _host);
        if (!SqliteLedgerStore.Exists(home))
        {
            throw new UsageException($"There is no ledger in {home} yet, so nothing to remove.");
        }

        var store = BudgetStore.Open(home, _host);
        await using (store.ConfigureAwait(false))
        {
            var (note, by) = (parse.GetValue(_budget.Note), parse.GetValue(_budget.By));
            if (parse.GetValue(_grant) is { } grant)
            {
                if (!await store.Limits.RevokeAsync(grant, note, by, cancellationToken).ConfigureAwait(false))
                {
                    throw new UsageException($"There is no grant {grant}, or it has ended; 'llmcost budget history' lists them.");
                }

                Say(parse, $"Grant {grant} is taken back.", json => json.WriteNumber("grant", grant));
                return ExitCode.Done;
            }

            var standings = await store.Limits.ListAsync(cancellationToken).ConfigureAwait(false);
            var standing = _budget.Find(parse, standings);
            if (!await store.Limits.RemoveAsync(standing.Budget, note, by, cancellationToken).ConfigureAwait(false))
            {
                throw new UsageException($"Budget '{standing.Budget.Name}' is given in code or configuration only. Remove it there, or set another limit with 'llmcost budget set'; when no application gives it any more, 'llmcost budget forget' takes it off the list.");
            }

            var rest = standing.LimitInCode is { } limit ? $"; the {BudgetFields.Text(limit)} of the code hold again" : "";
            Say(parse, $"Budget '{standing.Budget.Name}' is removed{rest}. What was spent under it is kept.", json =>
            {
                BudgetFields.Write(json, standing.Budget);
                BudgetFields.Write(json, "old_limit", standing.Budget.Amount, standing.Budget.Unit);
                BudgetFields.Write(json, "limit_in_code", standing.LimitInCode, standing.Budget.Unit);
            });
        }

        return ExitCode.Done;
    }

    private void Say(ParseResult parse, string sentence, Action<System.Text.Json.Utf8JsonWriter> fields)
    {
        if (parse.GetValue(_common.Json))
        {
            JsonOutput.Write(_host.Output, "budget-remove/1", fields);
        }
        else
        {
            _host.Console.WriteLine(Shown.OneLine(sentence));
        }
    }
}
