using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Caching;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost ledger tail</c></summary>
internal sealed class LedgerTailCommand : Command, IHasExamples
{
    private const int MostRows = 10_000;

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(500);

    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly Option<int> _rows = new("--rows", "-n") { Description = "How many rows to begin with", HelpName = "COUNT", DefaultValueFactory = _ => 10 };
    private readonly Option<bool> _follow = new("--follow", "-f") { Description = "Go on with rows as they are written, until Ctrl+C" };

    public LedgerTailCommand(CommonOptions common, CliHost host)
        : base("tail", "Show the last rows of the ledger, calls and adjustments, and follow it; --json prints one object a line")
    {
        (_common, _host) = (common, host);
        Options.Add(_rows);
        Options.Add(_follow);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["llmcost ledger tail", "llmcost ledger tail -f", "llmcost ledger tail -n 100 --json"];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var rows = parse.GetValue(_rows);
        if (rows is < 0 or > MostRows)
        {
            throw new UsageException($"--rows is {rows}; a number from 0 to {MostRows} is meant. 'llmcost export' writes all rows.");
        }

        var (json, follow) = (parse.GetValue(_common.Json), parse.GetValue(_follow));
        var code = ExitCode.Done;
        using var tail = new LedgerTail(LedgerFile.PathIn(_common.HomeOf(parse, _host)), rows)
        {
            Unreadable = (sequence, why) =>
            {
                code = ExitCode.Found;
                _host.Error.WriteLine(Shown.OneLine(string.Create(CultureInfo.InvariantCulture, $"llmcost: row {sequence} cannot be read: {why} See 'llmcost ledger verify'.")));
            },
        };
        while (true)
        {
            var next = tail.Next();
            foreach (var row in next)
            {
                if (json)
                {
                    WriteJson(row);
                }
                else
                {
                    _host.Console.WriteLine(Line(row));
                }
            }

            if (next.Count == 0 && !follow)
            {
                return code;
            }

            if (next.Count == 0)
            {
                // Nothing to say may last for hours; a reader that has gone is noticed all the same.
                _host.Output.Write([]);
                await Task.Delay(s_pause, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static string Line(LedgerEntry row)
    {
        var amount = row.CostNanos is not { } nanos ? "unknown" : $"{(row.IsAdjustment && nanos > 0 ? "+" : "")}{Amounts.Text(Money.FromNanos(nanos))}";
        var saved = row.SavedNanos == 0 ? "" : $", saved {Amounts.Text(Money.FromNanos(row.SavedNanos))}";
        var what = row.IsAdjustment ? string.Create(CultureInfo.InvariantCulture, $"adjusts {row.Adjusts}") : LedgerWords.Word(row.Status);
        string?[] who = [row.Attribution.Tenant, row.Attribution.Project, row.Attribution.Team, row.Attribution.User, row.Attribution.Feature, row.Attribution.Session, row.Attribution.Agent];
        return Shown.OneLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{row.Sequence,8}  {Sizes.Text(LedgerTime.Instant(row.At))}  {what,-10}  {amount,10}{saved}  {row.Provider ?? "-"}/{row.Model ?? row.RequestedModel ?? "-"}  {string.Join('/', who.OfType<string>())}  {row.Id}"));
    }

    private void WriteJson(LedgerEntry row)
    {
        using (var json = new Utf8JsonWriter(_host.Output, new JsonWriterOptions { Encoder = JsonOutput.Encoder }))
        {
            json.WriteStartObject();
            json.WriteString("schema", "ledger-row/1");
            json.WriteNumber("sequence", row.Sequence);
            json.WriteString("id", row.Id);
            WriteNumber(json, "adjusts", row.Adjusts);
            json.WriteString("call_id", row.CallId);
            json.WriteNumber("attempt", row.Attempt);
            TotalJson.WriteInstant(json, "at", LedgerTime.Instant(row.At));
            TotalJson.WriteInstant(json, "recorded_at", LedgerTime.Instant(row.RecordedAt));
            json.WriteString("operation", row.Operation);
            json.WriteString("provider", row.Provider);
            json.WriteString("requested_model", row.RequestedModel);
            json.WriteString("model", row.Model);
            json.WriteString("status", LedgerWords.Word(row.Status));
            json.WriteString("certainty", LedgerWords.Word(row.Certainty));
            WriteNumber(json, "cost_nanos", row.CostNanos);
            json.WriteNumber("saved_nanos", row.SavedNanos);
            json.WriteString("tenant", row.Attribution.Tenant);
            json.WriteString("project", row.Attribution.Project);
            json.WriteString("team", row.Attribution.Team);
            json.WriteString("user", row.Attribution.User);
            json.WriteString("feature", row.Attribution.Feature);
            json.WriteString("session", row.Attribution.Session);
            json.WriteString("agent", row.Attribution.Agent);
            json.WriteString("flags", row.Flags);
            json.WriteString("reason", row.Reason);
            json.WriteEndObject();
        }

        _host.Output.WriteByte((byte)'\n');
        _host.Output.Flush();
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, long? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
