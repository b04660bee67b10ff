using System.CommandLine;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using LlmCostCache.AI.Cli.Simulation;
using LlmCostCache.AI.Cli.Traces;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost simulate</c></summary>
internal sealed class SimulateCommand : Command, IHasExamples
{
    private const int NamedLines = 20;

    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly SimulationOptions _simulation = new();
    private readonly Argument<string[]> _traces = new("TRACE")
    {
        Description = "Exports of ours (jsonl, csv), traces of 'simulate trace', counts as t_ms,input_tokens,output_tokens, prompts; .gz too; - is standard input",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string?> _start = new("--start") { Description = "The day on which a trace begins that counts milliseconds; it decides the prices [default: today]", HelpName = "DAY" };
    private readonly Option<int> _repeat = new("--repeat") { Description = "Replay the trace so many times, one behind the other", HelpName = "N", DefaultValueFactory = _ => 1 };
    private readonly Option<bool> _csv = new("--csv") { Description = "Print CSV" };
    private readonly Option<bool> _markdown = new("--markdown") { Description = "Print a table of Markdown" };

    public SimulateCommand(CommonOptions common, CliHost host)
        : base("simulate", "Replay a trace of requests and tell what it costs with caches, batches, cheaper models and budgets. Exit code 1 when lines were no requests")
    {
        (_common, _host) = (common, host);
        Arguments.Add(_traces);
        _simulation.AddTo(this);
        Options.Add(_start);
        Options.Add(_repeat);
        Options.Add(_csv);
        Options.Add(_markdown);
        foreach (var below in new Command[] { new SimulateTraceCommand(common, host), new SimulateLedgerCommand(common, host) })
        {
            // The parser takes it, and nobody would read it.
            below.Validators.Add(result =>
            {
                if (result.Parent?.GetResult(_traces) is { Tokens: [var misplaced, ..] })
                {
                    result.AddError($"'{misplaced.Value}' stands before '{below.Name}', which does not read it there.");
                }
            });
            Subcommands.Add(below);
        }

        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "llmcost simulate calls.jsonl --ttl 6h --max-entries 5000",
        "llmcost simulate requests.csv.gz --model gpt-4o-mini --batch-share 0.3",
        "llmcost simulate trace.jsonl --cheaper-model gpt-4.1-nano --cheaper-share 0.3 --budget \"5 --period day --scope user=*\"",
    ];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        if (parse.GetValue(_traces) is not { Length: > 0 } paths)
        {
            throw new UsageException("simulate needs a TRACE: an export of ours, or one that 'llmcost simulate trace' makes.");
        }

        var (json, csv, markdown, times) = (parse.GetValue(_common.Json), parse.GetValue(_csv), parse.GetValue(_markdown), parse.GetValue(_repeat));
        if ((json ? 1 : 0) + (csv ? 1 : 0) + (markdown ? 1 : 0) > 1)
        {
            throw new UsageException("--json, --csv and --markdown are three forms; give one of them.");
        }

        if (times is < 1 or > 10_000)
        {
            throw new UsageException($"--repeat is {times}; it must be from 1 to 10000.");
        }

        var (plan, prices) = (_simulation.Read(parse), _common.PricesOf(parse, _host));
        var reader = new TraceReader(paths, _host.Input, StartOf(parse), CounterOf(plan, prices));
        var replay = new TraceReplay(plan, prices);
        using (var progress = new Progress(_host, "replaying the calls of the trace"))
        {
            try
            {
                await replay.ReadAsync(reader.ReadAsync(times, cancellationToken), progress.Report, cancellationToken).ConfigureAwait(false);
            }
            catch (OverflowException)
            {
                throw new UsageException("The calls of the trace cost more than can be counted, which is 9.2 billion dollars. Look at its counts.");
            }
        }

        var report = new SimulationReport(replay);
        if (json)
        {
            JsonOutput.Write(_host.Output, "simulate/1", report.WriteFields);
        }
        else if (csv)
        {
            _host.Output.Write(report.Csv());
        }
        else if (markdown)
        {
            _host.Console.Profile.Out.Writer.Write(report.Markdown());
        }
        else
        {
            report.Show(_host.Console);
        }

        return SayWrong(replay);
    }

    private DateTimeOffset StartOf(ParseResult parse)
    {
        var day = DateOnly.FromDateTime(_host.Time.GetUtcNow().UtcDateTime);
        return parse.GetValue(_start) is { } text && (!Instants.TryParseDay(text, out day) || day.Year is < 2000 or > 2200)
            ? throw new UsageException($"--start '{text}' is not a day like 2026-10-05.")
            : new(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
    }

    /// <summary>What counts the tokens of prompts; null when nobody can.</summary>
    private static Func<string, long>? CounterOf(SimulationPlan plan, PriceBook prices) =>
        plan.Model is { } model && prices.EncodingOf(plan.Provider, model) is { } encoding ? text => TokenCounter.Count(encoding, text) : null;

    private int SayWrong(TraceReplay replay)
    {
        foreach (var row in replay.WrongLines.Take(NamedLines))
        {
            _host.Error.WriteLine(Shown.OneLine($"llmcost: {(row.File is null ? "" : $"{row.File}: ")}line {row.Line} {row.Wrong}"));
        }

        if (replay.Wrong > NamedLines)
        {
            _host.Error.WriteLine($"llmcost: and {Amounts.Count(replay.Wrong - NamedLines)} more; --json names them all");
        }

        return replay.Wrong > 0 ? ExitCode.Found : ExitCode.Done;
    }
}
