using System.CommandLine;
using System.Globalization;
using LlmCostCache.AI.Cli.Budgets;
using LlmCostCache.AI.Cli.Rendering;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost budget set</c></summary>
internal sealed class BudgetSetCommand : Command, IHasExamples
{
    private const string None = "none";

    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly BudgetOptions _budget = new();
    private readonly Argument<string> _limit = new("LIMIT") { Description = "What is allowed in the period: dollars, or a number of tokens or requests with --unit" };
    private readonly Option<string?> _mode = new("--mode")
    {
        Description = "What happens to a call that may not fit: strict (refused), balanced (refused by an estimate), warn (passes) [default: as it is, else strict]",
        HelpName = "MODE",
    };

    private readonly Option<string[]> _fallBackTo = new("--fall-back-to")
    {
        Description = "The model that is asked instead when the requested one does not fit; several times for the next and the next; none for no other [default: as it is]",
        HelpName = "MODEL",
    };

    private readonly Option<string?> _tellAt = new("--tell-at")
    {
        Description = "The percentages of the limit that are announced when spending reaches them, such as 50,80,100; none for no announcement [default: as it is]",
        HelpName = "PERCENTAGES",
    };

    public BudgetSetCommand(CommonOptions common, CliHost host)
        : base("set", "Set the limit of a budget; effective with the next call in every process, and stronger than the limit in code")
    {
        (_common, _host) = (common, host);
        _mode.AcceptOnlyFromAmong("strict", "balanced", "warn");
        Arguments.Add(_limit);
        _budget.AddTo(this, changes: true);
        Options.Add(_mode);
        Options.Add(_fallBackTo);
        Options.Add(_tellAt);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "llmcost budget set --period month 200",
        "llmcost budget set --scope \"user=*\" --period day 5 --note \"each user: 5 dollars a day\"",
        "llmcost budget set --scope \"team=search,user=*\" --period rolling --span 24h --unit tokens 2000000",
    ];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var budget = _budget.Described(parse, BudgetOptions.Amount("LIMIT", parse.GetValue(_limit)!, _budget.UnitOf(parse)));
        budget = parse.GetValue(_tellAt) is { } shares ? Announced(budget, shares) : budget;
        var models = parse.GetValue(_fallBackTo) ?? [];
        var takesAway = models is [None];
        try
        {
            _ = models.Length > 0 && !takesAway ? budget.FallBackTo(models) : budget;
        }
        catch (ArgumentException wrong)
        {
            throw new UsageException($"--fall-back-to names no model: {BudgetOptions.Sentence(wrong)}");
        }

        var store = BudgetStore.Open(_common.HomeOf(parse, _host), _host);
        await using (store.ConfigureAwait(false))
        {
            // A new limit leaves alone what the budget does besides.
            var known = (await store.Limits.ListAsync(cancellationToken).ConfigureAwait(false)).FirstOrDefault(standing => standing.Budget.Id == budget.Id)?.Budget;
            budget = (parse.GetValue(_mode) ?? BudgetText.Word(known?.Mode ?? BudgetMode.Strict)) switch { "warn" => budget.Warn(), "balanced" => budget.Balanced(), _ => budget };
            models = takesAway ? [] : models.Length > 0 ? models : [.. known?.FallbackModels ?? []];
            budget = models.Length > 0 ? budget.FallBackTo(models) : budget;
            var before = await store.Limits.SetAsync(budget, parse.GetValue(_budget.Note), parse.GetValue(_budget.By), cancellationToken).ConfigureAwait(false);
            if (parse.GetValue(_common.Json))
            {
                JsonOutput.Write(_host.Output, "budget-set/1", json =>
                {
                    BudgetFields.Write(json, budget);
                    json.WriteString("mode", BudgetText.Word(budget.Mode));
                    BudgetFields.Write(json, "limit", budget.Amount, budget.Unit);
                    BudgetFields.Write(json, "old_limit", before, budget.Unit);
                });
            }
            else
            {
                _host.Console.WriteLine(Shown.OneLine($"{budget}{(before is { } old && old != budget.Amount ? $", {BudgetFields.Text(old)} before" : "")}."));
            }
        }

        return ExitCode.Done;
    }

    private static Budget Announced(Budget budget, string percentages)
    {
        try
        {
            return budget.NotifyAt(percentages == None ? [] : [.. percentages.Split(',').Select(text => decimal.Parse(text.Trim().TrimEnd('%'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture) / 100)]);
        }
        catch (Exception wrong) when (wrong is FormatException or OverflowException or ArgumentException)
        {
            throw new UsageException($"--tell-at '{percentages}' is not a list of percentages like 50,80,100, each above 0 and up to 1000, twenty at most; none for no announcement.");
        }
    }
}
