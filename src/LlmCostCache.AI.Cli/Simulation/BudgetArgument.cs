using System.CommandLine;
using System.CommandLine.Parsing;
using LlmCostCache.AI.Cli.Budgets;

namespace LlmCostCache.AI.Cli.Simulation;

/// <summary>A budget in one argument, in the words of <c>llmcost budget set</c>: <c>"5 --period day --scope user=*"</c>.</summary>
internal static class BudgetArgument
{
    /// <summary>The option; each command has its own.</summary>
    /// <param name="fallsBack">Whether another model can be asked when the requested one does not fit.</param>
    public static Option<string[]> Option(bool fallsBack) => new("--budget")
    {
        Description = $"A budget in the words of 'budget set', such as \"5 --period day --scope user=*{(fallsBack ? " --fall-back-to gpt-4.1-mini" : "")}\"; several times for several",
        HelpName = "BUDGET",
    };

    /// <exception cref="UsageException">It is none.</exception>
    public static Budget Read(string text, bool fallsBack)
    {
        var (limit, mode, options) = (new Argument<string>("LIMIT"), new Option<string>("--mode") { DefaultValueFactory = _ => "strict" }, new BudgetOptions());
        var others = new Option<string[]>("--fall-back-to");
        mode.AcceptOnlyFromAmong("strict", "balanced", "warn");
        var command = new Command("budget") { limit, mode, others };
        options.AddTo(command, changes: false);
        var parse = command.Parse([.. CommandLineParser.SplitCommandLine(text)], new ParserConfiguration { ResponseFileTokenReplacer = null });
        try
        {
            if (parse.Errors is [var wrong, ..])
            {
                throw new UsageException(wrong.Message.ReplaceLineEndings(" "));
            }

            var budget = options.Described(parse, BudgetOptions.Amount("the limit", parse.GetValue(limit)!, options.UnitOf(parse)));
            if (parse.GetValue(others) is { Length: > 0 } models)
            {
                budget = fallsBack ? budget.FallBackTo(models)
                    : throw new UsageException("the table asks no other model when a call does not fit; 'llmcost simulate ledger' takes --fall-back-to.");
            }

            return parse.GetValue(mode) switch { "warn" => budget.Warn(), "balanced" => budget.Balanced(), _ => budget };
        }
        catch (Exception wrong) when (wrong is UsageException or ArgumentException)
        {
            throw new UsageException($"--budget '{text}': {(wrong is ArgumentException argument ? BudgetOptions.Sentence(argument) : wrong.Message)}");
        }
    }
}
