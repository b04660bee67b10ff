using System.CommandLine;
using LlmCostCache.AI.Cli.Budgets;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using LlmCostCache.AI.Cli.Simulation;
using LlmCostCache.AI.Cli.Traces;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost simulate ledger</c></summary>
internal sealed class SimulateLedgerCommand : Command, IHasExamples
{
    private const int NamedLines = 20;

    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly TraceOptions _trace = new(readsFiles: true);
    private readonly Argument<string?> _file = new("TRACE") { Description = "A trace whose calls name their requests [default: one made as 'simulate trace' does]", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _into = new("--into") { Description = "The home directory to make the ledger in; one with calls of its own is refused", HelpName = "DIR" };
    private readonly Option<string> _timeToLive = new("--ttl") { Description = "How long an answer is served from the cache", HelpName = "SPAN", DefaultValueFactory = _ => "24h" };
    private readonly Option<string[]> _budgets = BudgetArgument.Option(fallsBack: true);
    private readonly BatchOptions _batch = new();
    private readonly Option<string[]> _mistakes = MistakePlan.Option();

    public SimulateLedgerCommand(CommonOptions common, CliHost host)
        : base("ledger", "Make a ledger of a trace, by making its calls through cache, budgets and meter with a provider that is not real. Every call carries the tag 'simulated'")
    {
        (_common, _host) = (common, host);
        Arguments.Add(_file);
        Options.Add(_into);
        Options.Add(_timeToLive);
        Options.Add(_budgets);
        foreach (var option in _batch.All)
        {
            Options.Add(option);
        }

        Options.Add(_mistakes);
        _trace.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "llmcost simulate ledger --into ./trial --days 28 --budget \"40 --period day\"",
        "llmcost simulate ledger --into ./trial --batch-share 0.3 --mistake retries=0.08 --mistake no_scope=0.1",
        "llmcost simulate ledger trace.jsonl --into ./trial",
    ];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        if (parse.GetValue(_into) is not { } into || string.IsNullOrWhiteSpace(into))
        {
            throw new UsageException("simulate ledger needs --into DIR, a directory of its own: real ledgers are not for made-up calls.");
        }

        var path = parse.GetValue(_file);
        if (path is not null && _trace.FirstGiven(parse) is { } given)
        {
            throw new UsageException($"{given.Name} says how a trace is made, and '{path}' is one; leave one of them out.");
        }

        var plan = _batch.Read(parse, new SimulationPlan
        {
            TimeToLive = BudgetOptions.SpanOf("--ttl", parse.GetValue(_timeToLive)!),
            Budgets = [.. (parse.GetValue(_budgets) ?? []).Select(text => BudgetArgument.Read(text, fallsBack: true))],
            Mistakes = MistakePlan.Read(parse.GetValue(_mistakes) ?? []),
        });
        var generator = _trace.Read(parse, _host.Time);

        // Calls of a short trace that begins today would lie in the future.
        var start = new DateTimeOffset((_trace.StartOf(parse) ?? DateOnly.FromDateTime(_host.Time.GetUtcNow().UtcDateTime).AddDays(-1)).ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);
        var rows = path is not null
            ? new TraceReader([path], _host.Input, start, null).ReadAsync(1, cancellationToken)
            : generator.Calls().Select((call, index) => new TraceRow(index + 1, call, null)).ToAsyncEnumerable();
        var home = LlmCostsHome.Resolve(into);
        await RefuseRealAsync(home, cancellationToken).ConfigureAwait(false);
        var play = new LedgerPlay(home, plan, start);
        await using (play.ConfigureAwait(false))
        {
            using (var progress = new Rendering.Progress(_host, "making the calls of the trace"))
            {
                await play.ReadAsync(rows, progress.Report, cancellationToken).ConfigureAwait(false);
            }
        }

        var total = await TotalAsync(home, LedgerFilter.All, cancellationToken).ConfigureAwait(false);
        Say(parse, play, home, total!);
        return play.Wrong > 0 || play.Skipped > 0 ? ExitCode.Found : ExitCode.Done;
    }

    /// <summary>A ledger of which every call carries our tag is one of ours.</summary>
    private async Task RefuseRealAsync(string home, CancellationToken cancellationToken)
    {
        var all = await TotalAsync(home, LedgerFilter.All, cancellationToken).ConfigureAwait(false);
        var ours = await TotalAsync(home, new LedgerFilter { Tag = LedgerPlay.Tag }, cancellationToken).ConfigureAwait(false);
        if (all is { Calls: > 0 } && all.Calls != ours!.Calls)
        {
            throw new UsageException($"The ledger in '{home}' holds {Amounts.Count(all.Calls - ours.Calls, "call")} that simulate did not make. Name another directory with --into.");
        }
    }

    private async Task<LedgerTotal?> TotalAsync(string home, LedgerFilter filter, CancellationToken cancellationToken)
    {
        if (!LedgerView.TryOpen(home, _host.Time, out var view))
        {
            return null;
        }

        await using (view.ConfigureAwait(false))
        {
            return (await view.Ledger.TotalsAsync(null, null, filter, cancellationToken).ConfigureAwait(false))[0];
        }
    }

    private void Say(ParseResult parse, LedgerPlay play, string home, LedgerTotal total)
    {
        foreach (var row in play.WrongLines.Take(NamedLines))
        {
            _host.Error.WriteLine(Shown.OneLine($"llmcost: line {row.Line} {row.Wrong}"));
        }

        if (play.Wrong > NamedLines)
        {
            _host.Error.WriteLine($"llmcost: and {Amounts.Count(play.Wrong - NamedLines)} more");
        }

        if (parse.GetValue(_common.Json))
        {
            JsonOutput.Write(_host.Output, "simulate-ledger/1", json =>
            {
                json.WriteString("home", home);
                json.WriteNumber("asked", play.Asked);
                json.WriteNumber("hits", play.Hits);
                json.WriteNumber("refused", play.Refused);
                json.WriteNumber("failed", play.Failed);
                json.WriteNumber("lost", play.Lost);
                json.WriteNumber("skipped", play.Skipped);
                json.WriteNumber("wrong_lines", play.Wrong);
                json.WriteStartObject("ledger");
                TotalJson.WriteFields(json, total);
                json.WriteEndObject();
            });
            return;
        }

        _host.Console.WriteLine(Shown.OneLine($"{Amounts.Count(play.Asked, "call")} made, {Amounts.Count(play.Hits, "hit")}, {Amounts.Count(play.Refused)} refused, {Amounts.Count(play.Failed)} failed"
            + $"{(play.Lost > 0 ? $", {Amounts.Count(play.Lost)} lost" : "")}"
            + $"{(play.Skipped > 0 ? $", {Amounts.Count(play.Skipped)} skipped (without a key, a model or counts)" : "")}."));
        _host.Console.WriteLine(Shown.OneLine($"The ledger in {home} holds {Amounts.Count(total.Calls, "row")}: spent {Amounts.Spent(total)}, saved {Amounts.Text(total.Saved)}. Look with: llmcost --home {home}"));
    }
}
