using System.CommandLine;
using LlmCostCache.AI.Cli.Budgets;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost budget history</c></summary>
internal sealed class BudgetHistoryCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly BudgetOptions _budget = new();

    public BudgetHistoryCommand(CommonOptions common, CliHost host)
        : base("history", "List who changed which limit when, oldest first")
    {
        (_common, _host) = (common, host);
        _budget.AddTo(this, changes: false);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["llmcost budget history", "llmcost budget history --scope \"user=*\" --json"];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var view = LedgerView.Open(_common.HomeOf(parse, _host), _host.Time);
        await using (view.ConfigureAwait(false))
        {
            var like = _budget.Like(parse);
            var changes = (await view.Limits.HistoryAsync(cancellationToken).ConfigureAwait(false)).Where(change => like(change.Budget)).ToList();
            if (parse.GetValue(_common.Json))
            {
                WriteJson(changes);
            }
            else if (changes.Count == 0)
            {
                _host.Console.WriteLine("no changes");
            }
            else
            {
                Show(changes, view.Calendar.Zone);
            }
        }

        return ExitCode.Done;
    }

    private void Show(List<BudgetChange> changes, TimeZoneInfo zone)
    {
        var table = new FittingTable().Whole("at").Words("budget").Whole("what").Number("old", 1).Number("new").Words("until", 3).Words("by", 2).Words("note", 4);
        foreach (var change in changes)
        {
            table.Row(
                BudgetFields.Time(change.At, zone),
                change.Key is null ? change.Budget.Name : $"{change.Budget.Name} [{change.Key}]",
                change.GrantId is { } grant ? $"{Word(change)} {grant}" : Word(change),
                change.Old is { } old ? BudgetFields.Text(old) : "",
                change.New is { } now ? BudgetFields.Text(now) : "",
                change.Until is { } until ? BudgetFields.Time(until, zone) : "",
                change.By,
                change.Note ?? "");
        }

        table.WriteTo(_host.Console);
    }

    private void WriteJson(List<BudgetChange> changes) => JsonOutput.Write(_host.Output, "budget-history/1", json =>
    {
        json.WriteStartArray("changes");
        foreach (var change in changes)
        {
            json.WriteStartObject();
            TotalJson.WriteInstant(json, "at", change.At);
            json.WriteString("action", Word(change));
            BudgetFields.Write(json, change.Budget);
            BudgetFields.Write(json, "old", change.Old, change.Budget.Unit);
            BudgetFields.Write(json, "new", change.New, change.Budget.Unit);
            if (change.GrantId is { } grant)
            {
                json.WriteNumber("grant", grant);
                json.WriteString("key", change.Key);
                TotalJson.WriteInstant(json, "from", change.From);
                TotalJson.WriteInstant(json, "until", change.Until);
            }

            json.WriteString("by", change.By);
            json.WriteString("note", change.Note);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static string Word(BudgetChange change) => change.Action.ToString().ToLowerInvariant();
}
