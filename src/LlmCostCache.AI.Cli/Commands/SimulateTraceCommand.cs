using System.CommandLine;
using System.IO.Compression;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using LlmCostCache.AI.Cli.Traces;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost simulate trace</c></summary>
internal sealed class SimulateTraceCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly TraceOptions _trace = new();
    private readonly Option<string?> _file = new("--output", "-o") { Description = "Write to this file instead of standard output, packed when it ends in .gz", HelpName = "FILE" };

    public SimulateTraceCommand(CommonOptions common, CliHost host)
        : base("trace", "Make up a trace of a company's weeks: people and an assistant, reviews of changes, a nightly job, agents")
    {
        (_common, _host) = (common, host);
        Options.Add(_file);
        _trace.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["llmcost simulate trace --start 2026-10-05 -o trace.jsonl", "llmcost simulate trace --seed 7 --days 7 --calls-per-day 5000 -o week.jsonl.gz"];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var file = parse.GetValue(_file) is { } path && path != "-" ? path : null;
        var json = parse.GetValue(_common.Json);
        if (json && file is null)
        {
            throw new UsageException("--json describes the file that -o names; the trace itself is JSON Lines.");
        }

        var generator = _trace.Read(parse, _host.Time);
        using var progress = new Rendering.Progress(_host, "making calls");
        if (file is null)
        {
            await TraceWriter.WriteAsync(generator.Calls(), _host.Output, progress.Report, cancellationToken).ConfigureAwait(false);
            return ExitCode.Done;
        }

        var calls = await WholeFile.WriteAsync(file, output => WriteAsync(output, file.EndsWith(".gz", StringComparison.OrdinalIgnoreCase))).ConfigureAwait(false);
        if (json)
        {
            JsonOutput.Write(_host.Output, "simulate-trace/1", fields =>
            {
                fields.WriteString("file", Path.GetFullPath(file));
                fields.WriteNumber("calls", calls);
                fields.WriteNumber("seed", generator.Seed);
                fields.WriteString("start", generator.First.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture));
                fields.WriteNumber("days", generator.Days);
            });
        }
        else
        {
            _host.Console.WriteLine(Shown.OneLine($"{Amounts.Count(calls, "call")} written to {file}."));
        }

        return ExitCode.Done;

        async Task<long> WriteAsync(Stream output, bool isPacked)
        {
            if (!isPacked)
            {
                return await TraceWriter.WriteAsync(generator.Calls(), output, progress.Report, cancellationToken).ConfigureAwait(false);
            }

            var packed = new GZipStream(output, CompressionLevel.Optimal, leaveOpen: true);
            await using (packed.ConfigureAwait(false))
            {
                return await TraceWriter.WriteAsync(generator.Calls(), packed, progress.Report, cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
