using System.CommandLine;
using LlmCostCache.AI.Cli.Budgets;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost budget show</c></summary>
internal sealed class BudgetShowCommand : Command, IHasExamples
{
    private const int MostRows = 50;

    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly BudgetOptions _budget = new();

    public BudgetShowCommand(CommonOptions common, CliHost host)
        : base("show", "Show one budget: where its limit comes from, where it stands for each value, what is granted on top")
    {
        (_common, _host) = (common, host);
        _budget.AddTo(this, changes: false);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["llmcost budget show --scope \"user=*\"", "llmcost budget show --name team-a --json"];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var view = LedgerView.Open(_common.HomeOf(parse, _host), _host.Time);
        await using (view.ConfigureAwait(false))
        {
            var standing = _budget.Find(parse, await view.Limits.ListAsync(cancellationToken).ConfigureAwait(false));
            if (parse.GetValue(_common.Json))
            {
                JsonOutput.Write(_host.Output, "budget-show/1", json =>
                {
                    json.WritePropertyName("budget");
                    BudgetFields.Write(json, standing);
                });
            }
            else
            {
                Show(standing, view.Calendar.Zone);
            }
        }

        return ExitCode.Done;
    }

    private void Show(BudgetStanding standing, TimeZoneInfo zone)
    {
        var (console, budget) = (_host.Console, standing.Budget);
        console.WriteLine(Shown.OneLine($"{budget}, {BudgetText.Word(budget.Mode)}{(budget.FallbackModels is { Count: > 0 } models ? $", then asks {string.Join(", then ", models)}" : "")}."));
        console.WriteLine(Shown.OneLine(standing.SetAt is { } at
            ? $"Set at {BudgetFields.Time(at, zone)} by {standing.SetBy}{(standing.Note is { } note ? $": {note}" : "")}."
                + (standing.LimitInCode is { } code ? $" Code gives it {BudgetFields.Text(code)}." : "")
            : "Given in code or configuration."));
        if (standing.GivenSince is { } since)
        {
            console.WriteLine($"Code or configuration gives it since {BudgetFields.Time(since, zone)}.");
        }

        if (standing.LastGivenAt is { } given)
        {
            console.WriteLine($"An application that gives it last started at {BudgetFields.Time(given, zone)}.");
        }

        console.WriteLine(budget.Period == BudgetPeriod.PerCall ? "Not announced: a limit of each call fills up with no call."
            : budget.Thresholds.Count == 0 ? "Not announced, whatever is spent." : $"Announced when {BudgetFields.Thresholds(budget)} of it are spent.");
        foreach (var grant in standing.Grants)
        {
            console.WriteLine(Shown.OneLine($"Grant {grant.Id}: {BudgetFields.Text(grant.Amount)} on top{(grant.Key is null ? "" : $" for {grant.Key}")} "
                + $"from {BudgetFields.Time(grant.From, zone)} until {BudgetFields.Time(grant.Until, zone)}, by {grant.By}{(grant.Note is { } why ? $": {why}" : "")}."));
        }

        if (standing.Uses.Count > 0)
        {
            console.WriteLine();
            var table = new FittingTable().Words(standing.Uses[0].Key.Length == 0 ? "" : "for").Number("limit").Number("spent").Number("reserved", 1).Number("left").Words("until", 2);
            foreach (var use in standing.Uses.OrderBy(use => use.Left.Count).Take(MostRows))
            {
                var until = use.EndsAt == DateTimeOffset.MaxValue || budget.Period == BudgetPeriod.Rolling ? "" : BudgetFields.Time(use.EndsAt, zone);
                table.Row(use.Key, BudgetFields.Text(use.Limit), BudgetFields.Text(use.Spent), BudgetFields.Text(use.Reserved), BudgetFields.Text(use.Left), until);
            }

            table.WriteTo(console);
            if (standing.Uses.Count > MostRows)
            {
                console.WriteLine($"{MostRows} of {Amounts.Count(standing.Uses.Count)}, those with the least left; --json has them all.");
            }
        }
    }
}
