using System.Globalization;
using LlmCostCache.AI.Cli.Rendering;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Reports;

/// <summary>A report as a table for people.</summary>
internal sealed class ReportText(Report report, CliHost host)
{
    private const int BarWidth = 16;
    private const int Essential = 1;

    /// <summary>So many quiet periods are listed one by one; more of them are one line.</summary>
    private const int MostQuiet = 10;

    private static readonly Style s_strong = new(decoration: Decoration.Bold);
    private static readonly Style s_quiet = new(decoration: Decoration.Dim);
    private static readonly Style s_bar = new(Color.Green);

    private readonly ReportChoice _choice = report.Choice;
    private readonly Blocks _blocks = new(host.Console);
    private readonly bool _isFlat = report.Choice.ThenBy is not null && !report.Choice.Breakdown;

    private Money _largest;

    public void Show()
    {
        var barred = _isFlat ? report.Groups.SelectMany(group => group.Parts) : report.Groups.Select(group => group.Sum);
        _largest = (report.Others is null ? barred : barred.Append(report.Others)).Select(row => row.Total.Spent).DefaultIfEmpty().Max();
        var table = new FittingTable { LeastImportance = _choice.Compact ? Essential : int.MaxValue }.Words(Dimensions.WordOf(_choice.By));
        if (_isFlat)
        {
            table.Words(Dimensions.WordOf(_choice.ThenBy!.Value));
        }

        table.Number("spent");
        if (report.ComparedWith is not null)
        {
            table.Number("change", 1).Number("in %", 1);
        }

        table.Number("saved", 1).Number("calls").Number("hits", 4).Number("hit rate", 2).Number("refused", 6).Number("failed", 6).Number("tokens", 3).Number("per call", 7)
            .Number("latency", 2).Number("unpriced", 5).Bars("", 8, _ => s_bar);
        AddRows(table);
        if (report.Others is { } others)
        {
            Add(table, $"({Amounts.Count(report.OtherGroups, "other")})", "", others, s_quiet);
        }

        Add(table, "total", "", report.Total, s_strong, isBarred: false);
        table.WriteTo(host.Console);
        foreach (var note in report.Notes())
        {
            host.Console.WriteLine(note);
        }
    }

    private void AddRows(FittingTable table)
    {
        for (var i = 0; i < report.Groups.Count; i++)
        {
            var group = report.Groups[i];
            var quiet = report.Groups.Skip(i).TakeWhile(next => next.Sum.Total.Calls == 0 && Periods.Are(_choice.By)).Count();
            if (quiet > MostQuiet)
            {
                var last = report.Groups[i + quiet - 1].Sum.Key!;
                AddQuiet(table, $"{group.Sum.Key} ... {last}");
                i += quiet - 1;
            }
            else if (group.Sum.IsGap)
            {
                AddQuiet(table, group.Sum.Key!);
            }
            else if (_isFlat)
            {
                foreach (var part in group.Parts)
                {
                    Add(table, Name(part.Key), Name(part.ThenKey), part, null);
                }
            }
            else
            {
                Add(table, Name(group.Sum.Key), "", group.Sum, _choice.Breakdown ? s_strong : (Style?)null);
                foreach (var part in _choice.Breakdown ? group.Parts : [])
                {
                    Add(table, $"  {Name(part.ThenKey)}", "", part, null, isBarred: false);
                }
            }
        }
    }

    private void AddQuiet(FittingTable table, string name)
    {
        string[] changes = report.ComparedWith is null ? [] : ["-", "-"];
        table.StyledRow(s_quiet, [name, .. _isFlat ? [""] : Array.Empty<string>(), "-", .. changes, "-", "-", "-", "-", Any(static total => total.Blocked) ? "-" : "",
            Any(static total => total.Failed) ? "-" : "", "-", "-", _choice.Latency ? "-" : "", "-", ""]);
    }

    private void Add(FittingTable table, string name, string thenName, ReportRow row, Style? style, bool isBarred = true)
    {
        var total = row.Total;
        string[] changes = report.ComparedWith is null ? [] : [ChangeText(row), ChangeShareText(row)];
        table.StyledRow(style, [name, .. _isFlat ? [thenName] : Array.Empty<string>(), Amounts.Spent(total), .. changes, Amounts.Text(total.Saved), Amounts.Count(total.Calls),
            Amounts.Count(total.Hits), Amounts.HitRateText(total), Any(static all => all.Blocked) ? Amounts.Count(total.Blocked) : "", Any(static all => all.Failed) ? Amounts.Count(total.Failed) : "",
            Amounts.Count(total.Usage.TotalTokens), Amounts.PerCall(row), LatencyText(row), Amounts.Count(total.Unpriced),
            isBarred && host.IsDrawn && _largest > Money.Zero ? _blocks.Bar((decimal)total.Spent.Nanos / _largest.Nanos, BarWidth) : ""]);
    }

    /// <summary>A column of zeros says nothing.</summary>
    private bool Any(Func<LedgerTotal, long> count) => count(report.Total.Total) > 0;

    private string LatencyText(ReportRow row) => !_choice.Latency ? "" : row.Latency is { } latency ? $"{Amounts.Count((long)Math.Round(latency.TotalMilliseconds))} ms" : "-";

    private static string Name(string? key) => key ?? "(none)";

    public static string ChangeText(ReportRow row) => row.Change == Money.Zero ? "$0.00" : row.Change > Money.Zero ? $"+{Amounts.Text(row.Change)}" : Amounts.Text(row.Change);

    public static string ChangeShareText(ReportRow row) => row.IsNew ? "new"
        : row.ChangeShare is { } share ? share.ToString("+#,0.0%;-#,0.0%;0.0%", CultureInfo.InvariantCulture)
        : "-";
}
