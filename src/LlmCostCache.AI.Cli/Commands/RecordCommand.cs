using System.CommandLine;
using LlmCostCache.AI.Cli.Exchange;
using LlmCostCache.AI.Cli.Rendering;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost record</c></summary>
internal sealed class RecordCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly Option<string?> _jsonLines = new("--jsonl") { Description = "Read calls from this file of JSON Lines instead; - is standard input", HelpName = "FILE" };
    private readonly Option<bool> _dryRun = new("--dry-run") { Description = "Only say what would be recorded" };
    private readonly Option<string[]> _tags = new("--tag") { Description = "A label; may be given several times", HelpName = "NAME" };
    private readonly (Option<string?> Option, string Field)[] _fields =
    [
        (Text("--model", "NAME", "The model that answered; it decides the price"), "model"),
        (Text("--provider", "NAME", "The provider; needed when several sell a model of that name"), "provider"),
        (Text("--at", "TIME", "When the call was made, UTC unless it says otherwise [default: now]"), "at"),
        (Text("--id", "ID", "The id of the attempt; a call of a known id is not recorded again [default: a new one]"), "id"),
        (Text("--input", "N", "Input tokens, with everything that is inside them"), "input_tokens"),
        (Text("--cached-input", "N", "Of these, read from the provider's cache"), "cached_input_tokens"),
        (Text("--cache-write-5m", "N", "Of these, written to the provider's cache for five minutes"), "cache_write_5m_tokens"),
        (Text("--cache-write-1h", "N", "Of these, written to the provider's cache for one hour"), "cache_write_1h_tokens"),
        (Text("--output", "N", "Output tokens, with everything that is inside them"), "output_tokens"),
        (Text("--reasoning", "N", "Of these, reasoning"), "reasoning_tokens"),
        (Text("--web-searches", "N", "Web searches that the provider ran"), "web_searches"),
        (Text("--requests", "N", "Requests [default: 1]"), "requests"),
        (Text("--cost", "USD", "What it cost in US dollars, when that is known better than by the price book"), "cost_usd"),
        (Text("--status", "WORD", "How it ended: ok, failed, incomplete, assumed, ... [default: ok]"), "status"),
        (Text("--operation", "WORD", "chat, embeddings, ... [default: chat]"), "operation"),
        (Text("--service-tier", "TIER", "The service tier: standard, batch, flex, priority"), "service_tier"),
        (Text("--region", "REGION", "The provider's geography that served the call"), "region"),
        (Text("--latency-ms", "N", "How long it took"), "latency_ms"),
        (Text("--user", "NAME", "On whose behalf"), "user"),
        (Text("--team", "NAME", "The team that pays"), "team"),
        (Text("--project", "NAME", "The application or cost centre"), "project"),
        (Text("--tenant", "NAME", "The customer"), "tenant"),
        (Text("--feature", "NAME", "The part of the application"), "feature"),
        (Text("--session", "NAME", "The run or conversation"), "session"),
        (Text("--agent", "NAME", "The agent or role"), "agent"),
        (Text("--response-id", "ID", "The provider's id of the answer"), "response_id"),
    ];

    public RecordCommand(CommonOptions common, CliHost host)
        : base("record", "Record a call that was made elsewhere, or many from JSON Lines; nothing twice. Exit code 1 when a call was rejected")
    {
        (_common, _host) = (common, host);
        Options.Add(_jsonLines);
        Options.Add(_dryRun);
        foreach (var (option, _) in _fields)
        {
            Options.Add(option);
        }

        Options.Add(_tags);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "llmcost record --model gpt-4o-mini --input 2006 --cached-input 1920 --output 300 --user alice",
        "llmcost record --model my-own --cost 0.25 --at 2026-08-20T14:30:00Z --id run-17",
        "llmcost record --jsonl calls.jsonl --home ./data",
    ];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var path = parse.GetValue(_jsonLines);
        var given = _fields.Where(field => parse.GetResult(field.Option) is { Implicit: false }).ToList();
        if (path is not null && (given.Count > 0 || parse.GetValue(_tags) is { Length: > 0 }))
        {
            throw new UsageException($"--jsonl reads everything from the lines; leave out {(given.Count > 0 ? given[0].Option.Name : "--tag")}.");
        }

        if (path is null && given.Count == 0)
        {
            throw new UsageException("record needs a call: --model with --input and --output or --cost, or --jsonl to read calls from a file.");
        }

        var (isDryRun, now) = (parse.GetValue(_dryRun), _host.Time.GetUtcNow());
        SourceRow? single = path is null ? OfOptions(parse, now) : null;
        if (single is { Wrong: { } wrong })
        {
            throw new UsageException($"This call {Sentence(wrong.TrimEnd('.'))}.");
        }

        if (single is { HasOwnCost: false, Record: { Status: CallStatus.Ok or CallStatus.Incomplete or CallStatus.Assumed } said } && said.Cost.Usage == TokenUsage.None)
        {
            throw new UsageException("This call says neither what it used nor what it cost: give --input and --output, or --cost.");
        }

        var input = path is null ? null : InputFile.Open(path, _host.Input);
        using var progress = new Rendering.Progress(_host, "reading rows");
        var intake = new Intake(_common.HomeOf(parse, _host), isDryRun, _common.PricesOf(parse, _host), _host.Time, progress.Report, _host.SayProgress);
        await using (intake.ConfigureAwait(false))
        {
            if (single is { } row)
            {
                await intake.AddAsync(null, row, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await using (input!.ConfigureAwait(false))
                {
                    await intake.ReadAsync(path!, null, OwnRows.ReadJsonAsync(input!, new RowReader(now), cancellationToken), cancellationToken).ConfigureAwait(false);
                }
            }

            await intake.FlushAsync(cancellationToken).ConfigureAwait(false);
            progress.Dispose();
            if (parse.GetValue(_common.Json))
            {
                JsonOutput.Write(_host.Output, "record/1", json => intake.Report.WriteFields(json, isDryRun));
            }
            else
            {
                intake.Report.Show(_host.Console, _host.Error, isDryRun);
                if (intake.Report.Unpriced > 0)
                {
                    _host.Console.WriteLine("Give their cost with cost_usd (--cost), or their model a price in prices.json before you record them.");
                }
            }

            return intake.Report.ExitCode;
        }
    }

    private SourceRow OfOptions(ParseResult parse, DateTimeOffset now)
    {
        var fields = new RowFields();
        foreach (var (option, field) in _fields)
        {
            if (parse.GetValue(option) is { } text)
            {
                fields.Set(field, Said(option, text).Trim());
            }
        }

        fields.SetTags([.. (parse.GetValue(_tags) ?? []).Select(tag => Said(_tags, tag)).Order(StringComparer.Ordinal)]);
        return new RowReader(now).Read(fields, 1);
    }

    private static string Said(Option option, string text) =>
        string.IsNullOrWhiteSpace(text) ? throw new UsageException($"{option.Name} is empty; leave it out, or say what it is.") : text;

    /// <summary>What is wrong, behind "This call".</summary>
    private static string Sentence(string wrong) => wrong.StartsWith("has ", StringComparison.Ordinal) || wrong.StartsWith("is ", StringComparison.Ordinal) ? wrong : $"cannot be: {wrong}";

    private static Option<string?> Text(string name, string helpName, string description) => new(name) { Description = description, HelpName = helpName };
}
