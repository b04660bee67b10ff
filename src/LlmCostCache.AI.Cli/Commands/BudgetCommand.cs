using System.CommandLine;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost budget</c>: limits that are set while applications run.</summary>
internal sealed class BudgetCommand : Command, IHasExamples
{
    public BudgetCommand(CommonOptions common, CliHost host)
        : base("budget", "Set limits while applications run, look where budgets stand, grant more for a while")
    {
        Subcommands.Add(new BudgetSetCommand(common, host));
        Subcommands.Add(new BudgetListCommand(common, host));
        Subcommands.Add(new BudgetShowCommand(common, host));
        Subcommands.Add(new BudgetHistoryCommand(common, host));
        Subcommands.Add(new BudgetGrantCommand(common, host));
        Subcommands.Add(new BudgetRemoveCommand(common, host));
        Subcommands.Add(new BudgetForgetCommand(common, host));
    }

    public IReadOnlyList<string> Examples => ["llmcost budget set --scope \"user=*\" --period day 5", "llmcost budget list"];
}
