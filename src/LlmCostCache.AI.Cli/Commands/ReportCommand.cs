using System.CommandLine;
using System.Text;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using LlmCostCache.AI.Cli.Reports.Html;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost report</c></summary>
internal sealed class ReportCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly ReportOptions _report = new();
    private readonly Option<bool> _csv = new("--csv") { Description = "Print CSV, rows without the total" };
    private readonly Option<bool> _markdown = new("--markdown") { Description = "Print a table of Markdown" };
    private readonly Option<bool> _html = new("--html") { Description = "Print a page with charts that needs no network" };
    private readonly Option<string?> _file = new("--output", "-o") { Description = "Write to this file instead of standard output; it appears when it is whole", HelpName = "FILE" };
    private readonly Option<bool> _open = new("--open") { Description = "Show the page of --html in the browser" };

    public ReportCommand(CommonOptions common, CliHost host)
        : base("report", "Show what was spent and saved, by one or two dimensions, beside the period before, with charts")
    {
        (_common, _host) = (common, host);
        _report.AddTo(this);
        foreach (var option in new Option[] { _csv, _markdown, _html, _file, _open })
        {
            Options.Add(option);
        }

        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "llmcost report daily --last 7d --compare",
        "llmcost report monthly --breakdown",
        "llmcost report --by team,model --since 2026-08-01 --until 2026-09-01 --timezone Europe/Berlin",
        "llmcost report user --top 10 --csv -o users.csv",
        "llmcost report --last 30d --html -o report.html --open",
    ];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var choice = _report.Read(parse, _host.Time);
        var (format, file) = (FormatOf(parse), FileOf(parse));
        if (file is not null && format == ReportFormat.Text)
        {
            throw new UsageException("-o needs to know as what: --json, --csv, --markdown or --html.");
        }

        var home = _common.HomeOf(parse, _host);
        var now = _host.Time.GetUtcNow();
        if (!LedgerView.TryOpen(home, _host.Time, out var view))
        {
            var nothing = Report.Nothing(choice, now);
            Empty.Say(_host, home, isNote: format != ReportFormat.Text);
            await WriteAsync(nothing, format == ReportFormat.Html ? HtmlReport.Of(nothing, now) : null, format, file, isEmpty: true).ConfigureAwait(false);
        }
        else
        {
            await using (view.ConfigureAwait(false))
            {
                var (report, page) = await ReadAsync(view, choice, home, format, now, cancellationToken).ConfigureAwait(false);
                await WriteAsync(report, page, format, file, isEmpty: false).ConfigureAwait(false);
            }
        }

        if (parse.GetValue(_open))
        {
            Show(file!);
        }

        return ExitCode.Done;
    }

    private ReportFormat FormatOf(ParseResult parse)
    {
        var html = parse.GetValue(_html) || parse.GetValue(_open);
        (ReportFormat Format, bool IsChosen, string Word)[] formats =
        [
            (ReportFormat.Json, parse.GetValue(_common.Json), "--json"), (ReportFormat.Csv, parse.GetValue(_csv), "--csv"),
            (ReportFormat.Markdown, parse.GetValue(_markdown), "--markdown"), (ReportFormat.Html, html, parse.GetValue(_html) ? "--html" : "--open"),
        ];
        var chosen = formats.Where(format => format.IsChosen).ToArray();
        return chosen.Length switch
        {
            0 => ReportFormat.Text,
            1 => chosen[0].Format,
            _ => throw new UsageException($"{string.Join(" and ", chosen.Select(format => format.Word))} exclude each other; choose one."),
        };
    }

    private string? FileOf(ParseResult parse) => parse.GetValue(_file) is { } path && path != "-" ? path
        : parse.GetValue(_open) ? Path.Combine(Path.GetTempPath(), $"llmcost-report-{_host.Time.GetUtcNow():yyyyMMdd-HHmmss}.html")
        : null;

    private async Task<(Report Report, HtmlReport? Page)> ReadAsync(
        LedgerView view, ReportChoice choice, string home, ReportFormat format, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var budgets = format == ReportFormat.Html ? await view.ReadBalancesAsync(cancellationToken).ConfigureAwait(false) : [];
        using var progress = new Progress(_host, choice.OnlyInRows is { } missing ? $"reading row by row, because the sums by quarter-hour hold no {missing}" : "adding up");
        view.RowsRead = progress.Add;
        var report = await new ReportReader(view, choice, now).ReadAsync(cancellationToken).ConfigureAwait(false);
        report = report with { Display = DisplayCurrency.Of(view, home, _host) };
        return (report, format == ReportFormat.Html ? await HtmlReport.ReadAsync(view, report, budgets, now, cancellationToken).ConfigureAwait(false) : null);
    }

    private async Task WriteAsync(Report report, HtmlReport? page, ReportFormat format, string? file, bool isEmpty)
    {
        if (format == ReportFormat.Text)
        {
            if (!isEmpty)
            {
                new ReportText(report, _host).Show();
            }
        }
        else if (file is null)
        {
            Write(_host.Output);
        }
        else
        {
            await WholeFile.WriteAsync(file, stream =>
            {
                Write(stream);
                return Task.FromResult(true);
            }).ConfigureAwait(false);
        }

        void Write(Stream stream)
        {
            switch (format)
            {
                case ReportFormat.Json:
                    JsonOutput.Write(stream, ReportJson.Schema, new ReportJson(report).WriteFields);
                    break;
                case ReportFormat.Csv:
                    stream.Write(new ReportCsv(report).Bytes());
                    break;
                case ReportFormat.Markdown:
                    stream.Write(Encoding.UTF8.GetBytes(new ReportMarkdown(report).Text()));
                    break;
                default:
                    stream.Write(Encoding.UTF8.GetBytes(page!.Text()));
                    break;
            }

            stream.Flush();
        }
    }

    private void Show(string file)
    {
        try
        {
            _host.Open(Path.GetFullPath(file));
        }
        catch (Exception error) when (error is System.ComponentModel.Win32Exception or InvalidOperationException or IOException or PlatformNotSupportedException)
        {
            _host.Error.WriteLine($"llmcost: no program opened {Shown.OneLine(Path.GetFullPath(file))}; open it in a browser");
        }
    }
}
