using System.Buffers;
using LlmCostCache.AI.Cli.Rendering;

namespace LlmCostCache.AI.Cli.Reports;

/// <summary>A report as CSV (RFC 4180): the rows and no total, so that a sum over a column is the total. Names that a spreadsheet would run begin with an apostrophe.</summary>
internal sealed class ReportCsv(Report report)
{
    private readonly ReportChoice _choice = report.Choice;

    public byte[] Bytes()
    {
        var output = new ArrayBufferWriter<byte>();
        using var line = new CsvExportLine(output);
        line.Header(() => Write(line, report.Total));
        foreach (var row in report.Groups.SelectMany(group => group.Parts).Where(row => !row.IsGap))
        {
            Write(line, row);
            line.End();
        }

        if (report.Others is { } others)
        {
            Write(line, others with { Total = others.Total with { Key = $"({Amounts.Count(report.OtherGroups, "other")})" } });
            line.End();
        }

        return output.WrittenSpan.ToArray();
    }

    private void Write(CsvExportLine line, ReportRow row)
    {
        var total = row.Total;
        line.Text(Column(_choice.By), Name(total.Key));
        if (_choice.ThenBy is { } second)
        {
            line.Text(Column(second), Name(total.ThenKey));
        }

        line.Decimal("spent_usd", total.Spent.Usd);
        line.Number("spent_nanos", total.Spent.Nanos);
        line.Number("low_nanos", total.Low.Nanos);
        line.Number("high_nanos", total.High.Nanos);
        line.Decimal("saved_usd", total.Saved.Usd);
        line.Number("saved_nanos", total.Saved.Nanos);
        line.Number("calls", total.Calls);
        line.Number("hits", total.Hits);
        line.Decimal("hit_rate", Amounts.HitRate(total));
        line.Number("blocked", total.Blocked);
        line.Number("failed", total.Failed);
        line.Number("unpriced", total.Unpriced);
        line.Number("input_tokens", total.Usage.TotalInputTokens);
        line.Number("cached_input_tokens", TotalJson.CachedInput(total.Usage));
        line.Number("cache_write_tokens", TotalJson.CacheWrites(total.Usage));
        line.Number("output_tokens", total.Usage.TotalOutputTokens);
        line.Number("reasoning_tokens", total.Usage.ReasoningTokens);
        line.Number("total_tokens", total.Usage.TotalTokens);
        line.Decimal("per_call_usd", row.PerCall?.Usd);
        if (_choice.Latency)
        {
            line.Decimal("latency_ms", row.Latency is { } latency ? ReportJson.Milliseconds(latency) : null);
        }

        if (report.ComparedWith is not null)
        {
            line.Number("before_spent_nanos", row.Before?.Spent.Nanos ?? 0);
            line.Number("change_nanos", row.Change.Nanos);
            line.Decimal("change_share", row.ChangeShare);
        }
    }

    /// <summary>Somebody looks at it in a terminal first.</summary>
    private static string? Name(string? key) => key is null ? null : Shown.OneLine(key);

    private static string Column(LedgerDimension dimension) => Dimensions.WordOf(dimension).Replace('-', '_');
}
