using System.Text;
using LlmCostCache.AI.Cli.Rendering;

namespace LlmCostCache.AI.Cli.Reports;

/// <summary>A report as a table of Markdown, to be pasted into an issue or a chat.</summary>
internal sealed class ReportMarkdown(Report report)
{
    private readonly ReportChoice _choice = report.Choice;
    private readonly StringBuilder _text = new();

    public string Text()
    {
        var isFlat = _choice.ThenBy is not null && !_choice.Breakdown;
        string[] names = isFlat ? [Dimensions.WordOf(_choice.By), Dimensions.WordOf(_choice.ThenBy!.Value)] : [Dimensions.WordOf(_choice.By)];
        string[] numbers = [.. Numbers(report.Total).Select(number => number.Heading)];
        Line([.. names, .. numbers]);
        Line([.. names.Select(_ => "---"), .. numbers.Select(_ => "---:")]);
        foreach (var group in report.Groups)
        {
            if (!isFlat)
            {
                Row(group.Sum, [_choice.Breakdown ? $"**{Name(group.Sum.Key)}**" : Name(group.Sum.Key)]);
            }

            foreach (var part in isFlat || _choice.Breakdown ? group.Parts : [])
            {
                Row(part, isFlat ? [Name(part.Key), Name(part.ThenKey)] : [$"&nbsp;&nbsp;{Name(part.ThenKey)}"]);
            }
        }

        string[] rest = isFlat ? [""] : [];
        if (report.Others is { } others)
        {
            Row(others, [$"({Amounts.Count(report.OtherGroups, "other")})", .. rest]);
        }

        Line(["**total**", .. rest, .. Numbers(report.Total).Select(number => $"**{number.Text}**")]);
        foreach (var note in report.Notes())
        {
            _text.Append('\n').Append(Escaped(note)).Append('\n');
        }

        return _text.ToString();
    }

    /// <summary>A name as text: no cell ends in it, nothing of it is Markdown or HTML.</summary>
    public static string Escaped(string text)
    {
        var escaped = new StringBuilder();
        foreach (var symbol in Shown.OneLine(text))
        {
            _ = symbol switch
            {
                '<' => escaped.Append("&lt;"),
                '>' => escaped.Append("&gt;"),
                '&' => escaped.Append("&amp;"),
                '\\' or '|' or '`' or '*' or '_' or '[' or ']' or '~' or '$' or '#' or '!' or '@' => escaped.Append('\\').Append(symbol),
                _ => escaped.Append(symbol),
            };
        }

        return escaped.ToString();
    }

    private static string Name(string? key) => Escaped(key ?? "(none)");

    private IEnumerable<(string Heading, string Text)> Numbers(ReportRow row)
    {
        var total = row.Total;
        yield return ("spent", Escaped(Amounts.Spent(total)));
        if (report.ComparedWith is not null)
        {
            yield return ("change", Escaped(ReportText.ChangeText(row)));
            yield return ("in %", ReportText.ChangeShareText(row));
        }

        yield return ("saved", Escaped(Amounts.Text(total.Saved)));
        yield return ("calls", Amounts.Count(total.Calls));
        yield return ("hit rate", Amounts.HitRateText(total));
        if (report.Total.Total.Blocked > 0)
        {
            yield return ("refused", Amounts.Count(total.Blocked));
        }

        if (report.Total.Total.Failed > 0)
        {
            yield return ("failed", Amounts.Count(total.Failed));
        }

        yield return ("tokens", Amounts.Count(total.Usage.TotalTokens));
        if (_choice.Latency)
        {
            yield return ("latency", row.Latency is { } latency ? $"{Amounts.Count((long)Math.Round(latency.TotalMilliseconds))} ms" : "-");
        }

        yield return ("unpriced", Amounts.Count(total.Unpriced));
    }

    private void Row(ReportRow row, string[] names) => Line([.. names, .. Numbers(row).Select(number => row.IsGap ? "-" : number.Text)]);

    private void Line(IEnumerable<string> cells) => _text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
}
