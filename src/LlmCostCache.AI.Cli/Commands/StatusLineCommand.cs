using System.CommandLine;
using System.Text;
using System.Text.Json;
using LlmCostCache.AI.Cli.Budgets;
using LlmCostCache.AI.Cli.Live;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost statusline</c></summary>
/// <remarks>It runs at every prompt, so it reads the ledger and draws nothing; and a prompt that breaks because a file is locked would be worse than one without a figure.</remarks>
internal sealed class StatusLineCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly Option<string> _format = new("--format")
    {
        Description = $"The line: text with {string.Join(", ", StatusLine.Words.Select(word => $"{{{word}}}"))}; a part between bars whose value is missing is left out",
        HelpName = "TEXT",
        DefaultValueFactory = _ => StatusLine.DefaultFormat,
    };

    private readonly Option<bool> _color = new("--color") { Description = "Colour {budget}: green, from 80 % on yellow, from 100 % on red" };
    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "Say nothing on standard error when the ledger cannot be read" };
    private readonly Option<string?> _zone = new("--timezone") { Description = "The zone of today [default: the one the application configured]", HelpName = "ZONE" };

    public StatusLineCommand(CommonOptions common, CliHost host)
        : base("statusline", "Print one short line for a prompt, an editor or a status bar; an empty line and exit code 0 when there is nothing to read")
    {
        (_common, _host) = (common, host);
        Options.Add(_format);
        Options.Add(_color);
        Options.Add(_quiet);
        Options.Add(_zone);
        SetAction(Run);
    }

    public IReadOnlyList<string> Examples =>
    [
        "llmcost statusline",
        "llmcost statusline --quiet --color --format \"{spent} today, {left} left\"",
        "llmcost statusline --json",
    ];

    private Task<int> Run(ParseResult parse, CancellationToken cancellationToken)
    {
        var format = parse.GetValue(_format)!;
        StatusLine.RequireKnownWords(format);
        var zone = parse.GetValue(_zone) is { } name ? FilterOptions.ZoneOf(name) : null;
        var line = TryRead(parse, zone, cancellationToken);
        if (parse.GetValue(_common.Json))
        {
            JsonOutput.Write(_host.Output, "statusline/1", json => WriteFields(json, line, format));
        }
        else
        {
            _host.Output.Write(Encoding.UTF8.GetBytes($"{line?.Text(format, parse.GetValue(_color))}\n"));
            _host.Output.Flush();
        }

        return Task.FromResult(ExitCode.Done);
    }

    private StatusLine? TryRead(ParseResult parse, TimeZoneInfo? zone, CancellationToken cancellationToken)
    {
        try
        {
            var home = _common.HomeOf(parse, _host);
            return SqliteLedgerStore.Exists(home) ? StatusLine.Read(home, zone, _host.Time, cancellationToken) : null;
        }
        catch (Exception error) when (error is LlmCostException or UsageException or OverflowException)
        {
            if (!parse.GetValue(_quiet))
            {
                _host.Error.WriteLine($"llmcost: {Shown.OneLine(error.Message)}");
            }

            return null;
        }
    }

    private static void WriteFields(Utf8JsonWriter json, StatusLine? line, string format)
    {
        json.WriteString("text", line?.Text(format, colors: false));
        if (line is null)
        {
            json.WriteNull("today");
            json.WriteNull("budget");
            return;
        }

        json.WriteStartObject("today");
        TotalJson.WriteFields(json, line.Today);
        json.WriteEndObject();
        json.WriteString("spent_week_usd", Decimals.Text(line.Week.Spent));
        json.WriteNumber("unpriced_week", line.Week.Unpriced);
        json.WriteString("spent_month_usd", Decimals.Text(line.Month.Spent));
        json.WriteNumber("unpriced_month", line.Month.Unpriced);
        if (line.Tightest is not { } tightest)
        {
            json.WriteNull("budget");
            return;
        }

        json.WriteStartObject("budget");
        BudgetFields.Write(json, tightest.Window.Budget);
        json.WriteString("key", tightest.Window.Key);
        BudgetFields.Write(json, "limit", tightest.Limit, tightest.Limit.Unit);
        BudgetFields.Write(json, "spent", tightest.Spent, tightest.Limit.Unit);
        BudgetFields.Write(json, "reserved", tightest.Reserved, tightest.Limit.Unit);
        json.WriteNumber("used_share", decimal.Round(line.TightestShare!.Value, 4));
        json.WriteEndObject();
    }
}
