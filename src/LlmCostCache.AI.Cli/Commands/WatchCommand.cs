using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Live;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost watch</c></summary>
internal sealed class WatchCommand : Command, IHasExamples
{
    private const decimal ShortestSeconds = 0.2m;
    private const decimal LongestSeconds = 3_600m;

    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly Option<string?> _interval = new("--interval") { Description = "How many seconds between two looks [default: 1]", HelpName = "SECONDS" };
    private readonly Option<bool> _once = new("--once") { Description = "Look once and end" };
    private readonly Option<string?> _zone = new("--timezone") { Description = "The zone of today [default: the one the application configured]", HelpName = "ZONE" };

    public WatchCommand(CommonOptions common, CliHost host)
        : base("watch", "Watch what is spent as it is spent, until Ctrl+C: cost per minute, hit rate, latency, failures, running calls, budgets")
    {
        (_common, _host) = (common, host);
        Options.Add(_interval);
        Options.Add(_once);
        Options.Add(_zone);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["llmcost watch", "llmcost watch --interval 5 >> spend.log", "llmcost watch --once --json"];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var interval = IntervalOf(parse.GetValue(_interval));
        var zone = parse.GetValue(_zone) is { } name ? FilterOptions.ZoneOf(name) : null;
        var watch = new LedgerWatch(_common.HomeOf(parse, _host), zone, _host.Time);
        await using (watch.ConfigureAwait(false))
        {
            try
            {
                var json = parse.GetValue(_common.Json);
                if (parse.GetValue(_once))
                {
                    var frame = await watch.LookAsync(cancellationToken).ConfigureAwait(false);
                    if (json)
                    {
                        JsonOutput.Write(_host.Output, "watch/1", frame.WriteFields);
                    }
                    else
                    {
                        _host.Console.Write(frame.Drawn(_host.Console));
                    }
                }
                else if (json || !_host.Console.Profile.Capabilities.Ansi)
                {
                    await PrintAsync(watch, json, interval, cancellationToken).ConfigureAwait(false);
                }
                else
                {
                    await DrawAsync(watch, interval, cancellationToken).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // Ctrl+C is how one ends it, and nothing is left half done.
            }
        }

        return ExitCode.Done;
    }

    private async Task DrawAsync(LedgerWatch watch, TimeSpan interval, CancellationToken cancellationToken)
    {
        var first = await watch.LookAsync(cancellationToken).ConfigureAwait(false);
        await _host.Console.Live(first.Drawn(_host.Console)).Overflow(VerticalOverflow.Ellipsis).StartAsync(async live =>
        {
            while (true)
            {
                live.UpdateTarget((await watch.LookAsync(cancellationToken).ConfigureAwait(false)).Drawn(_host.Console));
                await Task.Delay(interval, cancellationToken).ConfigureAwait(false);
            }
        }).ConfigureAwait(false);
    }

    private async Task PrintAsync(LedgerWatch watch, bool json, TimeSpan interval, CancellationToken cancellationToken)
    {
        while (true)
        {
            var frame = await watch.LookAsync(cancellationToken).ConfigureAwait(false);
            if (json)
            {
                WriteLine(frame);
            }
            else
            {
                _host.Console.WriteLine(frame.Line());
            }

            await Task.Delay(interval, cancellationToken).ConfigureAwait(false);
        }
    }

    private void WriteLine(WatchFrame frame)
    {
        using (var json = new Utf8JsonWriter(_host.Output, new JsonWriterOptions { Encoder = JsonOutput.Encoder }))
        {
            json.WriteStartObject();
            json.WriteString("schema", "watch/1");
            frame.WriteFields(json);
            json.WriteEndObject();
        }

        _host.Output.WriteByte((byte)'\n');
        _host.Output.Flush();
    }

    private static TimeSpan IntervalOf(string? text) => text is null ? TimeSpan.FromSeconds(1)
        : decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds is >= ShortestSeconds and <= LongestSeconds
            ? TimeSpan.FromTicks((long)(seconds * TimeSpan.TicksPerSecond))
            : throw new UsageException($"--interval '{text}' is not a number of seconds from 0.2 to 3600.");
}
