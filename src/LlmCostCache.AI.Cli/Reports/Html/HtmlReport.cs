using System.Globalization;
using System.Text;
using LlmCostCache.AI.Cli.Budgets;

namespace LlmCostCache.AI.Cli.Reports.Html;

/// <summary>A report as one page with charts: no script, nothing loaded, so that it opens anywhere and can be sent.</summary>
internal sealed class HtmlReport
{
    private readonly StringBuilder _page = new();

    private HtmlReport(Report report, Timeline timeline, WeekMap week, IReadOnlyList<(WindowBalance Balance, BudgetStatus Status)> budgets, DateTimeOffset now) =>
        (Report, Time, Week, Budgets, Now) = (report, timeline, week, budgets, now);

    private Report Report { get; }

    private Timeline Time { get; }

    private WeekMap Week { get; }

    private IReadOnlyList<(WindowBalance Balance, BudgetStatus Status)> Budgets { get; }

    private DateTimeOffset Now { get; }

    /// <summary>The page of a ledger that does not exist yet.</summary>
    public static HtmlReport Of(Report nothing, DateTimeOffset now) => new(nothing, Timeline.Nothing, new WeekMap([]), [], now);

    public static async Task<HtmlReport> ReadAsync(LedgerView view, Report report, IReadOnlyList<WindowBalance> budgets, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var hours = await view.Ledger.TotalsAsync(LedgerDimension.Hour, LedgerDimension.Model, report.Filter, cancellationToken).ConfigureAwait(false);
        var fullest = Overview.Fullest(budgets).Select(balance => (balance, view.ProjectionOf(balance, cancellationToken))).ToList();
        return new(report, Timeline.Of(hours, report.Filter, view.Calendar, now), new WeekMap(hours), fullest, now);
    }

    public string Text()
    {
        _page.Clear();
        _page.Append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
            .Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n")
            .Append("<meta name=\"generator\" content=\"llmcost\">\n<title>What language models cost</title>\n<style>\n").Append(PageStyle.Css).Append("\n</style>\n</head>\n<body>\n<main>\n");
        WriteHead();
        if (Report.Total.Total.Calls == 0)
        {
            _page.Append("<section><p>No calls are recorded in this span.</p></section>\n");
        }
        else
        {
            WriteTiles();
            WriteNotes();
            WriteCharts();
        }

        WriteBudgets();
        WriteRows();
        WriteModels();
        _page.Append(CultureInfo.InvariantCulture, $"<footer class=\"quiet\"><p>Made by llmcost, {Markup.Text(Report.Time(Now))}. Amounts are US dollars, rounded to the micro-dollar.</p></footer>\n</main>\n</body>\n</html>\n");
        return _page.ToString();
    }

    private void WriteHead()
    {
        var filter = Report.Filter;
        var span = (filter.Since, filter.Until) switch
        {
            ({ } since, { } until) => $"{Report.Time(since)} until {Report.Time(until)}",
            ({ } since, null) => $"since {Report.Time(since)}",
            (null, { } until) => $"until {Report.Time(until)}",
            _ => "all calls",
        };
        (string Name, string? Value)[] chosen =
        [
            ("tenant", filter.Tenant), ("project", filter.Project), ("team", filter.Team), ("user", filter.User), ("feature", filter.Feature), ("session", filter.Session), ("agent", filter.Agent),
            ("tag", filter.Tag), ("provider", filter.Provider), ("model", filter.Model), ("status", filter.Status is { } status ? LedgerWords.Word(status) : null),
        ];
        var only = string.Concat(chosen.Where(choice => choice.Value is not null).Select(choice => $", {choice.Name} {choice.Value}"));
        _page.Append(CultureInfo.InvariantCulture, $"<header><h1>What language models cost</h1><p class=\"quiet\">{Markup.Text($"{span}{only}; days of {Report.Calendar.Zone.Id}")}</p></header>\n");
    }

    private void WriteTiles()
    {
        var total = Report.Total.Total;
        var change = Report.ComparedWith is null ? "" : $", {ReportText.ChangeText(Report.Total)} ({ReportText.ChangeShareText(Report.Total)})";
        (string Value, string Name)[] tiles =
        [
            (Amounts.Spent(total), $"spent{change}"), (Amounts.Text(total.Saved), "saved"), (Amounts.Count(total.Calls), "calls"), (Amounts.HitRateText(total), "hit rate"),
            (Amounts.PerCall(Report.Total), "per call"), (Amounts.Count(total.Usage.TotalTokens), "tokens"), (Amounts.Count(total.Blocked), "refused"), (Amounts.Count(total.Failed), "failed"),
        ];
        _page.Append("<div class=\"tiles\">\n");
        foreach (var (value, name) in tiles)
        {
            _page.Append(CultureInfo.InvariantCulture, $"<div class=\"tile\"><b>{Markup.Text(value)}</b><span>{Markup.Text(name)}</span></div>\n");
        }

        _page.Append("</div>\n");
    }

    private void WriteNotes()
    {
        foreach (var note in Report.Notes())
        {
            _page.Append(CultureInfo.InvariantCulture, $"<p class=\"note\">{Markup.Text(note)}</p>\n");
        }
    }

    private void WriteCharts()
    {
        var step = Dimensions.WordOf(Time.Step);
        var dearest = Time.Totals.MaxBy(total => total.Spent)!;
        _page.Append(CultureInfo.InvariantCulture, $"<section><h2>Cost by {step} and model</h2>\n");
        new BarChart
        {
            Id = "cost",
            Title = $"Cost by {step} and model",
            Description = $"A bar for each {step}, stacked by model. The most, {Amounts.Text(dearest.Spent)}, was spent on {dearest.Key}.",
            Names = Time.Labels,
            Series = Time.Series,
        }.WriteTo(_page);
        WriteLegend();
        WriteFigures(step);
        _page.Append("</section>\n<div class=\"pair\">\n<section><h2>Saved</h2>\n");
        new BarChart
        {
            Id = "saved",
            Title = $"Saved by {step}",
            Description = $"A bar for each {step}; below zero the cache spent more than it saved. Together {Amounts.Text(Report.Total.Total.Saved)}.",
            Names = Time.Labels,
            Series = [("saved", "c2", [.. Time.Totals.Select(total => total.Saved)])],
            Width = 530,
            Height = 200,
        }.WriteTo(_page);
        _page.Append("</section>\n<section><h2>Hit rate</h2>\n");
        new RateChart
        {
            Id = "rate",
            Title = $"Hit rate by {step}",
            Description = $"The share of calls that a cache answered, {Amounts.HitRateText(Report.Total.Total)} of all.",
            Names = Time.Labels,
            Shares = [.. Time.Totals.Select(Amounts.HitRate)],
        }.WriteTo(_page);
        _page.Append("</section>\n</div>\n<section><h2>Cost by hour of the week</h2>\n");
        Week.WriteTo(_page);
        _page.Append("</section>\n");
    }

    private void WriteLegend()
    {
        _page.Append("<ul class=\"legend\">\n");
        foreach (var (name, colour, models) in Time.Legend)
        {
            _page.Append(CultureInfo.InvariantCulture, $"<li><i class=\"{colour}\"></i>{Markup.Text($"{name} {Amounts.Spent(models)}")}</li>\n");
        }

        _page.Append("</ul>\n");
    }

    private void WriteFigures(string step)
    {
        _page.Append("<details><summary>The figures of the charts</summary>\n");
        Table([step, "spent", "saved", "calls", "hit rate", "tokens", "unpriced"], Time.Totals.Select(total =>
            ((string?)null, new[] { total.Key!, Amounts.Spent(total), Amounts.Text(total.Saved), Amounts.Count(total.Calls), Amounts.HitRateText(total), Amounts.Count(total.Usage.TotalTokens), Amounts.Count(total.Unpriced) })), null);
        _page.Append("</details>\n");
    }

    private void WriteBudgets()
    {
        if (Budgets.Count == 0)
        {
            return;
        }

        _page.Append("<section class=\"long\"><h2>Budgets now</h2>\n<table><thead><tr><th class=\"name\">budget</th><th>limit</th><th>spent</th><th>reserved</th><th>used</th><th></th><th>projected</th><th>resets at</th></tr></thead><tbody>\n");
        foreach (var (balance, status) in Budgets)
        {
            var share = BudgetStatus.Share(balance.Spent, balance.Limit);
            var level = share >= 1 ? "bad" : share >= 0.8m ? "warn" : "good";
            var width = Markup.Number(Math.Clamp(share, 0, 1) * 100);
            _page.Append(CultureInfo.InvariantCulture, $"<tr><td class=\"name\">{Markup.Text(BudgetFields.NameOf(balance.Window))}</td><td>{Markup.Text(BudgetFields.Text(balance.Limit))}</td>")
                .Append(CultureInfo.InvariantCulture, $"<td>{Markup.Text(BudgetFields.Text(balance.Spent))}</td><td>{Markup.Text(BudgetFields.Text(balance.Reserved))}</td><td>{Markup.Percent(share)}</td>")
                .Append(CultureInfo.InvariantCulture, $"<td><div class=\"gauge\"><i class=\"{level}\" style=\"width:{width}%\"></i></div></td><td>{Markup.Text(status.Projected is { } projected ? BudgetFields.About(projected) : "-")}</td><td>{Markup.Text(BudgetFields.ResetText(balance.Window, Report.Calendar.Zone))}</td></tr>\n");
        }

        _page.Append("</tbody></table>\n</section>\n");
    }

    /// <summary>The rows of the report itself.</summary>
    private void WriteRows()
    {
        if (Report.Groups.Count == 0)
        {
            return;
        }

        var choice = Report.Choice;
        var isFlat = choice.ThenBy is not null && !choice.Breakdown;
        var (first, second) = (Dimensions.WordOf(choice.By), isFlat ? Dimensions.WordOf(choice.ThenBy!.Value) : null);
        var names = isFlat ? 2 : 1;
        _page.Append(CultureInfo.InvariantCulture, $"<section class=\"long\"><h2>By {first}{(second is null ? "" : $" and {second}")}</h2>\n");
        var rows = new List<(string? Class, string[] Cells)>();
        foreach (var group in Report.Groups)
        {
            if (!isFlat)
            {
                rows.Add((group.Sum.IsGap ? "gap" : null, [group.Sum.Key ?? "(none)", .. Cells(group.Sum)]));
            }

            foreach (var part in isFlat || choice.Breakdown ? group.Parts : [])
            {
                rows.Add(isFlat ? (null, [part.Key ?? "(none)", part.ThenKey ?? "(none)", .. Cells(part)]) : ("part", [part.ThenKey ?? "(none)", .. Cells(part)]));
            }
        }

        string[] rest = isFlat ? [""] : [];
        if (Report.Others is { } others)
        {
            rows.Add((null, [$"({Amounts.Count(Report.OtherGroups, "other")})", .. rest, .. Cells(others)]));
        }

        string[] changes = Report.ComparedWith is null ? [] : ["change", "in %"];
        string[] latency = choice.Latency ? ["latency"] : [];
        Table([first, .. isFlat ? [second!] : Array.Empty<string>(), "spent", .. changes, "saved", "calls", "hit rate", "refused", "failed", "tokens", "per call", .. latency, "unpriced"],
            rows, ["total", .. rest, .. Cells(Report.Total)], names);
        _page.Append("</section>\n");
    }

    private void WriteModels()
    {
        if (Report.Choice is { By: LedgerDimension.Model, ThenBy: null } || Time.Models.Count == 0)
        {
            return;
        }

        _page.Append("<section class=\"long\"><h2>By model</h2>\n");
        var total = TotalSum.Of(Time.Models);
        Table(["model", "spent", "saved", "calls", "hit rate", "tokens", "unpriced"], Time.Models.Select(model => ((string?)null, Cells(model, model.Key ?? "(none)"))), Cells(total, "total"));
        _page.Append("</section>\n");

        static string[] Cells(LedgerTotal total, string name) =>
            [name, Amounts.Spent(total), Amounts.Text(total.Saved), Amounts.Count(total.Calls), Amounts.HitRateText(total), Amounts.Count(total.Usage.TotalTokens), Amounts.Count(total.Unpriced)];
    }

    private IEnumerable<string> Cells(ReportRow row)
    {
        var total = row.Total;
        string[] changes = Report.ComparedWith is null ? [] : [ReportText.ChangeText(row), ReportText.ChangeShareText(row)];
        string[] latency = !Report.Choice.Latency ? [] : [row.Latency is { } taken ? $"{Amounts.Count((long)Math.Round(taken.TotalMilliseconds))} ms" : "-"];
        string[] cells =
        [
            Amounts.Spent(total), .. changes, Amounts.Text(total.Saved), Amounts.Count(total.Calls), Amounts.HitRateText(total), Amounts.Count(total.Blocked), Amounts.Count(total.Failed),
            Amounts.Count(total.Usage.TotalTokens), Amounts.PerCall(row), .. latency, Amounts.Count(total.Unpriced),
        ];
        return row.IsGap ? cells.Select(_ => "-") : cells;
    }

    private void Table(string[] headings, IEnumerable<(string? Class, string[] Cells)> rows, string[]? foot, int names = 1)
    {
        _page.Append("<table><thead><tr>");
        for (var i = 0; i < headings.Length; i++)
        {
            _page.Append(CultureInfo.InvariantCulture, $"<th scope=\"col\"{(i < names ? " class=\"name\"" : "")}>{Markup.Text(headings[i])}</th>");
        }

        _page.Append("</tr></thead><tbody>\n");
        foreach (var (kind, cells) in rows)
        {
            Row(cells, kind, names);
        }

        _page.Append("</tbody>");
        if (foot is not null)
        {
            _page.Append("<tfoot>");
            Row(foot, null, names);
            _page.Append("</tfoot>");
        }

        _page.Append("</table>\n");
    }

    private void Row(string[] cells, string? kind, int names)
    {
        _page.Append(kind == "gap" ? "<tr class=\"gap\">" : "<tr>");
        for (var i = 0; i < cells.Length; i++)
        {
            _page.Append(CultureInfo.InvariantCulture, $"<td{(i < names ? kind == "part" ? " class=\"name part\"" : " class=\"name\"" : "")}>{Markup.Text(cells[i])}</td>");
        }

        _page.Append("</tr>\n");
    }
}
