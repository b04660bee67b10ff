using System.CommandLine;
using LlmCostCache.AI.Cli.Budgets;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost budget list</c></summary>
internal sealed class BudgetListCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly BudgetOptions _budget = new();

    public BudgetListCommand(CommonOptions common, CliHost host)
        : base("list", "List the budgets that hold, from code and set at run time")
    {
        (_common, _host) = (common, host);
        _budget.AddTo(this, changes: false);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["llmcost budget list", "llmcost budget list --period day --json"];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var home = _common.HomeOf(parse, _host);
        var (all, statuses, zone) = await ReadAsync(home, cancellationToken).ConfigureAwait(false);
        var standings = (all ?? []).Where(_budget.Chosen(parse)).ToList();
        if (parse.GetValue(_common.Json))
        {
            JsonOutput.Write(_host.Output, "budget-list/1", json =>
            {
                json.WriteStartArray("budgets");
                standings.ForEach(standing => BudgetFields.Write(json, standing, statuses));
                json.WriteEndArray();
            });
        }
        else if (standings.Count == 0)
        {
            _host.Console.WriteLine(Shown.OneLine(
                all is null ? $"no ledger in {home} yet, so no budgets" : all.Count == 0 ? "no budgets; 'llmcost budget set' makes one" : "no budget is like that"));
        }
        else
        {
            Show(standings, statuses, zone);
        }

        return ExitCode.Done;
    }

    /// <summary>Null when there is no ledger yet.</summary>
    private async Task<(IReadOnlyList<BudgetStanding>? Standings, BudgetStatuses Statuses, TimeZoneInfo Zone)> ReadAsync(string home, CancellationToken cancellationToken)
    {
        if (!LedgerView.TryOpen(home, _host.Time, out var view))
        {
            return (null, BudgetStatuses.None, TimeZoneInfo.Utc);
        }

        await using (view.ConfigureAwait(false))
        {
            return (await view.Limits.ListAsync(cancellationToken).ConfigureAwait(false), new(await view.ReadStatusAsync(cancellationToken).ConfigureAwait(false)), view.Calendar.Zone);
        }
    }

    private void Show(List<BudgetStanding> standings, BudgetStatuses statuses, TimeZoneInfo zone)
    {
        var table = new FittingTable().Words("budget").Words("scope", 4).Words("period", 3).Number("limit").Number("spent", 1).Number("reserved", 5).Number("left", 2).Number("an hour", 11).Number("projected", 12).Words("mode", 6).Words("from", 7).Words("given", 8).Words("last start", 7).Words("then asks", 9).Words("told at", 10);
        foreach (var standing in standings)
        {
            var budget = standing.Budget;
            var limit = standing.Uses is [{ Key: "" } use] ? use.Limit : budget.Amount;
            var (spent, reserved, left) = standing.Uses is [{ Key: "" } only]
                ? (BudgetFields.Text(only.Spent), BudgetFields.Text(only.Reserved), BudgetFields.Text(only.Left))
                : budget.Period == BudgetPeriod.PerCall ? ("", "", "")
                : ($"{Amounts.Count(standing.Uses.Count)} {(standing.Uses.Count == 1 ? "value" : "values")}", "", "");
            var status = standing.Uses is [{ Key: "" }] ? statuses.Of(budget, "") : null;
            table.Row(budget.Name, budget.Scope.ToString(), BudgetFields.PeriodText(budget), BudgetFields.Text(limit), spent, reserved, left, BudgetFields.Text(status?.HourlyRate), BudgetFields.Text(status?.Projected),
                BudgetText.Word(budget.Mode), BudgetFields.Source(standing), Day(standing.GivenSince), Day(standing.LastGivenAt), string.Join(", ", budget.FallbackModels), budget.Period == BudgetPeriod.PerCall ? "" : BudgetFields.Thresholds(budget));
        }

        table.WriteTo(_host.Console);
        string Day(DateTimeOffset? at) => at is { } given ? BudgetFields.Time(given, zone)[..10] : "";
    }
}
