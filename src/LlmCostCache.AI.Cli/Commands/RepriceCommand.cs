using System.CommandLine;
using LlmCostCache.AI.Cli.Pricing;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;
using LlmCostCache.AI.Cli.Repricing;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost reprice</c></summary>
internal sealed class RepriceCommand : Command, IHasExamples
{
    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly FilterOptions _filter = new();
    private readonly Option<DateTimeOffset?> _effectiveAt =
        PricingDates.Instant("--as-effective-at", "Use the prices in effect on this day (UTC), as if every call had been made on it [default: each call's own day]");

    private readonly Option<DateTimeOffset?> _knownAt = PricingDates.Instant("--as-known-at", "Use only prices that were known at this time [default: all that are known now]");
    private readonly Option<string?> _by = new("--by") { Description = $"What to group by: {string.Join(", ", Dimensions.Words)}", HelpName = "DIMENSION" };

    public RepriceCommand(CommonOptions common, CliHost host)
        : base("reprice", "Compare what was booked with what the same calls cost at other prices; never changes the ledger")
    {
        (_common, _host) = (common, host);
        _effectiveAt.Aliases.Add("--as-of");
        _knownAt.Aliases.Add("--known-at");
        _by.AcceptOnlyFromAmong(Dimensions.Words);
        Options.Add(_effectiveAt);
        Options.Add(_knownAt);
        Options.Add(_by);
        _filter.AddTo(this);
        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples =>
    [
        "llmcost reprice --by model --since 2026-08-01 --until 2026-09-01",
        "llmcost reprice --as-known-at 2026-08-31 --last 4w",
        "llmcost reprice --as-effective-at 2027-01-01 --last 30d --by project",
    ];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var by = parse.GetValue(_by) is { } word ? Dimensions.Of(word) : (LedgerDimension?)null;
        var effectiveOn = parse.GetValue(_effectiveAt) is { } at ? DateOnly.FromDateTime(at.UtcDateTime) : (DateOnly?)null;
        var knownAt = parse.GetValue(_knownAt);
        var choice = _filter.Read(parse, _host.Time);
        var home = _common.HomeOf(parse, _host);
        var json = parse.GetValue(_common.Json);
        var run = new RepricingRun(new Repricer(_common.PricesOf(parse, _host), effectiveOn, knownAt), by);
        var calendar = LedgerCalendar.Utc.In(choice.Zone ?? TimeZoneInfo.Utc);
        var filter = choice.In(calendar);
        var isEmpty = !LedgerView.TryOpen(home, _host.Time, out var view);
        if (view is null)
        {
            Empty.Say(_host, home, json);
        }
        else
        {
            await using (view.ConfigureAwait(false))
            {
                filter = choice.In(view);
                calendar = view.Calendar;
                using var progress = new Progress(_host, "pricing calls again");
                view.RowsRead = progress.Add;
                await run.ReadAsync(view, filter, cancellationToken).ConfigureAwait(false);
            }
        }

        var report = new RepricingReport { EffectiveOn = effectiveOn, KnownAt = knownAt, By = by, Zone = calendar.Zone, Filter = filter, Groups = run.Groups, Total = run.Total };
        if (json)
        {
            JsonOutput.Write(_host.Output, "reprice/1", report.WriteFields);
        }
        else if (!isEmpty)
        {
            report.Show(_host.Console);
        }

        return ExitCode.Done;
    }
}
