using System.CommandLine;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost export</c></summary>
internal sealed class ExportCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly FilterOptions _filter = new();
    private readonly Option<string> _format = new("--format") { Description = "jsonl or csv", HelpName = "FORMAT", DefaultValueFactory = _ => "jsonl" };
    private readonly Option<string?> _file = new("--output", "-o") { Description = "Write to this file instead of standard output; it appears when it is whole", HelpName = "FILE" };

    public ExportCommand(CommonOptions common, CliHost host)
        : base("export", "Write every attempt as one line, with what became known about it later")
    {
        (_common, _host) = (common, host);
        _format.AcceptOnlyFromAmong("jsonl", "csv");
        Options.Add(_format);
        Options.Add(_file);
        _filter.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "llmcost export --since 2026-08-01 > august.jsonl",
        "llmcost export --format csv --project my-app -o my-app.csv",
    ];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var file = parse.GetValue(_file) is { } path && path != "-" ? path : null;
        var json = parse.GetValue(_common.Json);
        if (json && file is null)
        {
            throw new UsageException("--json describes the file that -o names; the rows themselves are JSON with --format jsonl.");
        }

        var choice = _filter.Read(parse, _host.Time);
        var home = _common.HomeOf(parse, _host);
        var format = parse.GetValue(_format) == "csv" ? LedgerExportFormat.Csv : LedgerExportFormat.Jsonl;
        LedgerView.TryOpen(home, _host.Time, out var view);
        try
        {
            var rows = file is null
                ? await WriteAsync(view, _host.Output, format, choice, cancellationToken).ConfigureAwait(false)
                : await WholeFile.WriteAsync(file, destination => WriteAsync(view, destination, format, choice, cancellationToken)).ConfigureAwait(false);
            if (view is null)
            {
                Empty.Say(_host, home, isNote: true);
            }

            if (json)
            {
                JsonOutput.Write(_host.Output, "export/1", fields =>
                {
                    fields.WriteString("file", Path.GetFullPath(file!));
                    fields.WriteString("format", format == LedgerExportFormat.Csv ? "csv" : "jsonl");
                    fields.WriteNumber("rows", rows);
                });
            }
        }
        finally
        {
            if (view is not null)
            {
                await view.DisposeAsync().ConfigureAwait(false);
            }
        }

        return ExitCode.Done;
    }

    private static async Task<long> WriteAsync(LedgerView? view, Stream destination, LedgerExportFormat format, FilterChoice choice, CancellationToken cancellationToken)
    {
        if (view is null)
        {
            choice.In(LedgerCalendar.Utc);
            return 0;
        }

        var rows = await view.Ledger.ExportAsync(destination, format, choice.In(view), cancellationToken).ConfigureAwait(false);
        await destination.FlushAsync(cancellationToken).ConfigureAwait(false);
        return rows;
    }
}
