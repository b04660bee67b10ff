using System.CommandLine;
using System.Text.Json;
using LlmCostCache.AI.Cli.Exchange;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost export</c></summary>
internal sealed class ExportCommand : Command, IHasExamples
{
    private const string Jsonl = "jsonl";
    private const string Csv = "csv";
    private const string Parquet = "parquet";
    private const string Focus = "focus";
    private const string FocusParquet = "focus-parquet";

    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly FilterOptions _filter = new();
    private readonly Option<string> _format = new("--format") { Description = "jsonl, csv, parquet, focus (FOCUS 1.2 as CSV) or focus-parquet", HelpName = "FORMAT", DefaultValueFactory = _ => Jsonl };
    private readonly Option<string?> _file = new("--output", "-o") { Description = "Write to this file instead of standard output; it appears when it is whole", HelpName = "FILE" };
    private readonly Option<string> _account = new("--billing-account") { Description = "The BillingAccountId of a FOCUS export", HelpName = "ID", DefaultValueFactory = _ => FocusExport.DefaultAccount };

    public ExportCommand(CommonOptions common, CliHost host)
        : base("export", "Write every attempt as one line, with what became known about it later; or a FOCUS charge for each kind of its tokens")
    {
        (_common, _host) = (common, host);
        _format.AcceptOnlyFromAmong(Jsonl, Csv, Parquet, Focus, FocusParquet);
        Options.Add(_format);
        Options.Add(_file);
        Options.Add(_account);
        _filter.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "llmcost export --since 2026-08-01 > august.jsonl",
        "llmcost export --format csv --project my-app -o my-app.csv",
        "llmcost export --format parquet --last 90d -o calls.parquet",
        "llmcost export --format focus --since 2026-08-01 --until 2026-09-01 --billing-account acme -o focus-2026-08.csv",
    ];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var file = parse.GetValue(_file) is { } path && path != "-" ? path : null;
        var (json, format, account) = (parse.GetValue(_common.Json), parse.GetValue(_format)!, parse.GetValue(_account)!);
        if (json && file is null)
        {
            throw new UsageException("--json describes the file that -o names; the rows themselves are JSON with --format jsonl.");
        }

        if (format is Parquet or FocusParquet && file is null)
        {
            throw new UsageException($"--format {format} needs a file: name one with -o.");
        }

        if (string.IsNullOrWhiteSpace(account))
        {
            throw new UsageException("--billing-account is empty; name the account, or leave the option out.");
        }

        var choice = _filter.Read(parse, _host.Time);
        var home = _common.HomeOf(parse, _host);
        var charges = format is Focus or FocusParquet ? new FocusCharges(_common.PricesOf(parse, _host)) : null;
        LedgerView.TryOpen(home, _host.Time, out var view);
        try
        {
            var rows = file is null
                ? await WriteAsync(view, _host.Output, format, charges, account, choice, cancellationToken).ConfigureAwait(false)
                : await WholeFile.WriteAsync(file, destination => WriteAsync(view, destination, format, charges, account, choice, cancellationToken)).ConfigureAwait(false);
            if (view is null)
            {
                Empty.Say(_host, home, isNote: true);
            }

            if (charges?.Unpriced > 0)
            {
                _host.Error.WriteLine($"llmcost: {Amounts.Unpriced(charges.Unpriced)} and left out: a FOCUS charge must have a cost, and theirs is unknown");
            }

            if (json)
            {
                JsonOutput.Write(_host.Output, "export/1", fields => WriteFields(fields, file!, format, rows, charges));
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

    private static void WriteFields(Utf8JsonWriter fields, string file, string format, long rows, FocusCharges? charges)
    {
        fields.WriteString("file", Path.GetFullPath(file));
        fields.WriteString("format", format);
        fields.WriteNumber("rows", rows);
        if (charges is not null)
        {
            fields.WriteNumber("attempts", charges.Attempts);
            fields.WriteNumber("unpriced_left_out", charges.Unpriced);
            fields.WriteNumber("uncharged_left_out", charges.Uncharged);
        }
    }

    private async Task<long> WriteAsync(LedgerView? view, Stream destination, string format, FocusCharges? charges, string account, FilterChoice choice, CancellationToken cancellationToken)
    {
        var filter = view is null ? choice.In(LedgerCalendar.Utc) : choice.In(view);
        using var progress = new Progress(_host, "writing calls");
        var rows = AsyncEnumerable.Empty<UsageRecord>();
        if (view is not null)
        {
            view.RowsRead = progress.Add;
            rows = view.Ledger.ReadAsync(filter, cancellationToken);
        }

        var written = format switch
        {
            Parquet => await ParquetExport.WriteAsync(rows, destination, cancellationToken).ConfigureAwait(false),
            Focus => await new FocusExport(account).WriteCsvAsync(charges!.OfAsync(rows, cancellationToken), destination, cancellationToken).ConfigureAwait(false),
            FocusParquet => await new FocusExport(account).WriteParquetAsync(charges!.OfAsync(rows, cancellationToken), destination, cancellationToken).ConfigureAwait(false),
            _ => await LedgerExport.WriteAsync(rows, format == Csv ? LedgerExportFormat.Csv : LedgerExportFormat.Jsonl, destination.WriteAsync, cancellationToken).ConfigureAwait(false),
        };
        await destination.FlushAsync(cancellationToken).ConfigureAwait(false);
        return written;
    }
}
