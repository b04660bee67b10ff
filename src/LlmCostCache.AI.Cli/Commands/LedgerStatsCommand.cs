using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Caching;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost ledger stats</c></summary>
internal sealed class LedgerStatsCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;

    public LedgerStatsCommand(CommonOptions common, CliHost host)
        : base("stats", "Show how large the ledger is, how it grows, what stands open in it and what waits beside it")
    {
        (_common, _host) = (common, host);
        SetAction(Run);
    }

    public IReadOnlyList<string> Examples => ["llmcost ledger stats", "llmcost ledger stats --json --home ./data"];

    private Task<int> Run(ParseResult parse, CancellationToken cancellationToken)
    {
        var stats = LedgerStatistics.Read(LedgerFile.PathIn(_common.HomeOf(parse, _host)), _host.Time);
        if (parse.GetValue(_common.Json))
        {
            JsonOutput.Write(_host.Output, "ledger-stats/1", json => WriteFields(json, stats));
        }
        else
        {
            Show(stats);
        }

        return Task.FromResult(ExitCode.Done);
    }

    private void Show(LedgerStatistics stats)
    {
        var facts = new FittingTable().Words(LedgerFile.Name).Words("");
        var archived = stats.Archives.Sum(static archive => archive.Rows);
        facts.Row("rows", $"{Amounts.Count(stats.Rows)}{Of(archived, "archived")}{(stats.Adjustments == 0 ? "" : $", {Amounts.Count(stats.Adjustments, "adjustment")}")}");
        if (stats is { Oldest: { } oldest, Newest: { } newest })
        {
            facts.Row("calls", $"{Sizes.Text(oldest)} to {Sizes.Text(newest)}");
            facts.Row("growth", $"{Amounts.Count(stats.RowsPerDay, "row")}, {Sizes.Text(stats.BytesPerDay)} a day over the last seven days; {Amounts.Count(stats.BytesPerRow)} bytes a row");
        }

        facts.Row("size", $"{Sizes.Text(stats.FileBytes)} on disk{OfBytes(stats.FreeBytes, "free inside")}{OfBytes(stats.LogBytes, "write-ahead log")}");
        facts.Row("schema", stats.Schema.ToString(CultureInfo.InvariantCulture));
        facts.Row("budgets", $"{Amounts.Count(stats.Budgets)}, {Amounts.Count(stats.OpenWindows, "open window")}");
        facts.Row("holds", $"{Amounts.Count(stats.Holds)} pending, {Amounts.Text(stats.Held)} in all{Of(stats.Overdue, "past their deadline")}");
        facts.Row("waiting", stats.Spooled + stats.Refused == 0 ? "nothing" : $"{Amounts.Count(stats.Spooled, "row")} in spool.jsonl{Of(stats.Refused, "refused")}");
        if (stats.Head is not null)
        {
            facts.Row("end", stats.Head);
        }

        foreach (var archive in stats.Archives)
        {
            facts.Row("archive", $"{archive.File}, {Amounts.Count(archive.Rows, "row")}, {(archive.Bytes is { } bytes ? Sizes.Text(bytes) : "missing")}");
        }

        foreach (var (name, bytes) in stats.Copies)
        {
            facts.Row("copy", $"{name}, {Sizes.Text(bytes)}");
        }

        facts.WriteTo(_host.Console);
        _host.Console.WriteLine();
        var tables = new FittingTable().Words("table").Number("rows").Number("bytes with indices", 1);
        foreach (var table in stats.Tables)
        {
            tables.Row(table.Name, Amounts.Count(table.Rows), table.Bytes is { } size ? Amounts.Count(size) : "");
        }

        tables.WriteTo(_host.Console);

        static string Of(long count, string what) => count == 0 ? "" : $", {Amounts.Count(count)} {what}";
        static string OfBytes(long bytes, string what) => bytes == 0 ? "" : $", {Sizes.Text(bytes)} {what}";
    }

    private static void WriteFields(Utf8JsonWriter json, LedgerStatistics stats)
    {
        json.WriteString("file", stats.File);
        json.WriteNumber("schema_version", stats.Schema);
        json.WriteNumber("rows", stats.Rows);
        json.WriteNumber("adjustments", stats.Adjustments);
        TotalJson.WriteInstant(json, "oldest", stats.Oldest);
        TotalJson.WriteInstant(json, "newest", stats.Newest);
        json.WriteNumber("rows_last_7_days", stats.RowsLately);
        json.WriteNumber("rows_per_day", stats.RowsPerDay);
        json.WriteNumber("bytes_per_day", stats.BytesPerDay);
        json.WriteNumber("bytes_per_row", stats.BytesPerRow);
        json.WriteNumber("file_bytes", stats.FileBytes);
        json.WriteNumber("log_bytes", stats.LogBytes);
        json.WriteNumber("free_bytes", stats.FreeBytes);
        json.WriteNumber("budgets", stats.Budgets);
        json.WriteNumber("open_windows", stats.OpenWindows);
        json.WriteNumber("pending_holds", stats.Holds);
        json.WriteNumber("held_nanos", stats.Held.Nanos);
        json.WriteNumber("overdue_holds", stats.Overdue);
        json.WriteNumber("spooled_rows", stats.Spooled);
        json.WriteNumber("refused_rows", stats.Refused);
        json.WriteString("head", stats.Head);
        json.WriteStartArray("tables");
        foreach (var table in stats.Tables)
        {
            json.WriteStartObject();
            json.WriteString("name", table.Name);
            json.WriteNumber("rows", table.Rows);
            if (table.Bytes is { } bytes)
            {
                json.WriteNumber("bytes", bytes);
            }
            else
            {
                json.WriteNull("bytes");
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        LedgerArchiveCommand.WriteArchives(json, stats.Archives);
        json.WriteStartArray("copies");
        foreach (var (name, bytes) in stats.Copies)
        {
            json.WriteStartObject();
            json.WriteString("file", name);
            json.WriteNumber("bytes", bytes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
