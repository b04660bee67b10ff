using System.Globalization;
using LlmCostCache.AI.Cli.Budgets;
using LlmCostCache.AI.Cli.Rendering;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Reports;

/// <summary>The overview for people.</summary>
internal sealed class OverviewText(Overview overview, CliHost host)
{
    private const int TopModels = 5;
    private const int BarWidth = 20;

    private static readonly Style s_strong = new(decoration: Decoration.Bold);
    private static readonly Style s_bar = new(Color.Green);

    private readonly Blocks _blocks = new(host.Console);

    public void Show()
    {
        ShowPeriods();
        foreach (var note in Notes())
        {
            host.Console.WriteLine(note);
        }

        ShowBudgets();
        ShowModels();
        ShowDays();
    }

    private void ShowPeriods()
    {
        var table = new FittingTable().Words("").Number("spent").Number("saved", 1).Number("calls").Number("hit rate", 2)
            .Number("input", 4).Number("cached", 6).Number("output", 5).Number("refused", 7).Number("failed", 7).Number("unpriced", 3);
        foreach (var (name, _, _, total) in overview.Periods)
        {
            table.StyledRow(name == "today" ? s_strong : (Style?)null, name, Amounts.Spent(total), Amounts.Text(total.Saved), Amounts.Count(total.Calls), Amounts.HitRateText(total),
                Amounts.Count(total.Usage.TotalInputTokens), Amounts.Count(TotalJson.CachedInput(total.Usage)), Amounts.Count(total.Usage.TotalOutputTokens),
                overview.Periods.Any(period => period.Total.Blocked > 0) ? Amounts.Count(total.Blocked) : "", overview.Periods.Any(period => period.Total.Failed > 0) ? Amounts.Count(total.Failed) : "",
                Amounts.Count(total.Unpriced));
        }

        table.WriteTo(host.Console);
    }

    private IEnumerable<string> Notes()
    {
        if (overview.Month.Unpriced > 0)
        {
            yield return $"Spent this month {Amounts.Spent(overview.Month)}, {Amounts.Unpriced(overview.Month.Unpriced)}.";
        }

        if (overview.Month.Low != overview.Month.High)
        {
            yield return $"Some costs of this month are estimates: between {Amounts.Text(overview.Month.Low)} and {Amounts.Text(overview.Month.High)}.";
        }

        foreach (var sentence in Conversions.Sentences(overview.Converted))
        {
            yield return sentence;
        }

        if (overview.Display is not null)
        {
            yield return $"This month: {overview.Display.Sentence(overview.Month)}";
        }

        if (overview.Month.Saved < Money.Zero)
        {
            yield return "The cache spent more than it saved this month.";
        }
    }

    private void ShowBudgets()
    {
        var (shown, budgets) = (overview.Projected, overview.Budgets);
        if (shown.Count == 0)
        {
            return;
        }

        var table = new FittingTable().Words("budget").Number("limit").Number("spent").Number("used", 1).Bars("", 4, row => BudgetGauge.Colour(Share(shown[row].Balance))).Number("reserved", 6).Number("left", 2)
            .Number("projected", 3).Words("resets at", 5);
        foreach (var (balance, status) in shown)
        {
            var (window, limit, spent, reserved) = balance;
            var share = Share(balance);
            table.Row(BudgetFields.NameOf(window), BudgetFields.Text(limit), BudgetFields.Text(spent), share.ToString("0.0%", CultureInfo.InvariantCulture),
                host.IsDrawn ? BudgetGauge.Bar(share, _blocks) : "", BudgetFields.Text(reserved), BudgetFields.Text(BudgetGauge.Left(balance)),
                status.Projected is { } projected ? BudgetFields.About(projected) : "-", BudgetFields.ResetText(window, overview.Zone));
        }

        host.Console.WriteLine();
        table.WriteTo(host.Console);
        if (budgets.Count > shown.Count)
        {
            host.Console.WriteLine($"The fullest {Amounts.Count(shown.Count)} of {Amounts.Count(budgets.Count)}; 'llmcost budget list' shows every budget.");
        }
    }

    private void ShowModels()
    {
        var models = overview.Models;
        if (models.Count == 0)
        {
            return;
        }

        var (all, most) = (overview.Month.Spent, models[0].Spent);
        var table = new FittingTable().Words("models this month").Number("spent").Number("share", 1).Number("saved", 3).Number("calls", 2).Bars("", 4, _ => s_bar);
        foreach (var model in models.Take(TopModels))
        {
            Add(model.Key ?? "(none)", model);
        }

        if (models.Count > TopModels)
        {
            Add($"({Amounts.Count(models.Count - TopModels, "other")})", TotalSum.Of(models.Skip(TopModels)));
        }

        host.Console.WriteLine();
        table.WriteTo(host.Console);

        void Add(string name, LedgerTotal model) => table.Row(name, Amounts.Spent(model), all > Money.Zero ? ((decimal)model.Spent.Nanos / all.Nanos).ToString("0.0%", CultureInfo.InvariantCulture) : "-",
            Amounts.Text(model.Saved), Amounts.Count(model.Calls), host.IsDrawn && most > Money.Zero ? _blocks.Bar((decimal)model.Spent.Nanos / most.Nanos, BarWidth) : "");
    }

    /// <summary>A line of thirty characters; in a pipe nobody would see it, and <c>report daily</c> has the numbers.</summary>
    private void ShowDays()
    {
        var dearest = overview.LastDays.MaxBy(day => day.Spent)!;
        if (!host.IsDrawn || dearest.Spent <= Money.Zero)
        {
            return;
        }

        var (name, note) = ($"last {overview.LastDays.Count} days  ", $"  most {Amounts.Text(dearest.Spent)} on {dearest.Key}");
        var (drawn, width) = (name.Length + overview.LastDays.Count, host.Console.Profile.Width);
        if (drawn > width)
        {
            return;
        }

        host.Console.WriteLine();
        host.Console.Write(name);
        host.Console.Write(new Text(_blocks.Line([.. overview.LastDays.Select(day => (decimal)day.Spent.Nanos)]), s_bar));
        host.Console.WriteLine(drawn + note.Length <= width ? note : "");
    }

    private static decimal Share(WindowBalance balance) => BudgetStatus.Share(balance.Spent, balance.Limit);
}
