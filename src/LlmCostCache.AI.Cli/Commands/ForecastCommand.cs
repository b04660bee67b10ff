using System.CommandLine;
using LlmCostCache.AI.Cli.Forecasts;
using LlmCostCache.AI.Cli.Rendering;
using LlmCostCache.AI.Cli.Reports;

namespace LlmCostCache.AI.Cli.Commands;

/// <summary><c>llmcost forecast</c></summary>
internal sealed class ForecastCommand : Command, IHasExamples
{
    private static readonly string[] s_periods = ["day", "week", "month", "quarter", "year"];

    private readonly CommonOptions _common;
    private readonly CliHost _host;
    private readonly Option<string> _period = new("--period") { Description = $"Which period's end: {string.Join(", ", s_periods)}", HelpName = "PERIOD", DefaultValueFactory = _ => "month" };
    private readonly Option<string?> _zone = new("--timezone") { Description = "The zone of the period and of the hours of the week [default: the one the application configured]", HelpName = "ZONE" };
    private readonly (Option<string?> Option, Func<Budget, string, Budget> Scope, Func<LedgerFilter, string, LedgerFilter> Filter)[] _names;

    public ForecastCommand(CommonOptions common, CliHost host)
        : base("forecast", "Tell what will be spent when the month ends, with an interval, and what that goes by")
    {
        (_common, _host) = (common, host);
        _period.AcceptOnlyFromAmong(s_periods);
        _names =
        [
            (Named("tenant"), (budget, name) => budget.ForTenant(name), (filter, name) => filter with { Tenant = name }),
            (Named("project"), (budget, name) => budget.ForProject(name), (filter, name) => filter with { Project = name }),
            (Named("team"), (budget, name) => budget.ForTeam(name), (filter, name) => filter with { Team = name }),
            (Named("user"), (budget, name) => budget.ForUser(name), (filter, name) => filter with { User = name }),
            (Named("feature"), (budget, name) => budget.ForFeature(name), (filter, name) => filter with { Feature = name }),
            (Named("agent"), (budget, name) => budget.ForAgent(name), (filter, name) => filter with { Agent = name }),
        ];
        Options.Add(_period);
        Options.Add(_zone);
        foreach (var (option, _, _) in _names)
        {
            Options.Add(option);
        }

        SetAction(RunAsync);
    }

    public IReadOnlyList<string> Examples => ["llmcost forecast", "llmcost forecast --period quarter --project my-app --json"];

    private async Task<int> RunAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        var word = parse.GetValue(_period)!;
        var period = Enum.Parse<BudgetPeriod>(word, ignoreCase: true);
        var zone = parse.GetValue(_zone) is { } name ? FilterOptions.ZoneOf(name) : null;
        var names = _names.Select(name => (name.Scope, name.Filter, Value: NameOf(parse, name.Option))).Where(name => name.Value is not null).ToList();
        var (home, json, now) = (_common.HomeOf(parse, _host), parse.GetValue(_common.Json), _host.Time.GetUtcNow());
        var isEmpty = !LedgerView.TryOpen(home, _host.Time, out var view);
        if (view is null)
        {
            Empty.Say(_host, home, json);
            var calendar = LedgerCalendar.Utc.In(zone ?? TimeZoneInfo.Utc);
            var (startsAt, endsAt) = calendar.WindowOf(period, now);
            Write(new() { At = now, Zone = calendar.Zone, Period = word, Since = startsAt, Until = endsAt, Forecast = new() { Spent = Money.Zero } }, json, isEmpty);
            return ExitCode.Done;
        }

        await using (view.ConfigureAwait(false))
        {
            view.Calendar = zone is null ? view.Calendar : view.Calendar.In(zone);
            var (startsAt, endsAt) = view.Calendar.WindowOf(period, now);
            var (budget, filter) = (Budget.Monthly(1m), new LedgerFilter { Since = startsAt, Until = endsAt });
            foreach (var (scope, narrowed, value) in names)
            {
                (budget, filter) = (scope(budget, value!), narrowed(filter, value!));
            }

            var total = (await view.Ledger.TotalsAsync(null, null, filter, cancellationToken).ConfigureAwait(false))[0];
            var lately = (await view.Ledger.TotalsAsync(null, null, filter with { Since = now - SpendHistory.Length, Until = now }, cancellationToken).ConfigureAwait(false))[0];
            var history = view.ReadHistory(new BudgetWindow(budget, "", startsAt, endsAt), now);
            var forecast = SpendForecast.Of(total.Spent, history, endsAt, now, view.Calendar.Zone);
            Write(new() { At = now, Zone = view.Calendar.Zone, Period = word, Since = startsAt, Until = endsAt, Forecast = forecast, Unpriced = total.Unpriced, UnpricedHistory = lately.Unpriced }, json, isEmpty);
        }

        return ExitCode.Done;
    }

    private void Write(ForecastReport report, bool json, bool isEmpty)
    {
        if (json)
        {
            JsonOutput.Write(_host.Output, "forecast/1", report.WriteFields);
        }
        else if (!isEmpty)
        {
            report.Show(_host.Console);
        }
    }

    /// <summary>What budgets take for a name: the history is read as theirs is.</summary>
    private static string? NameOf(ParseResult parse, Option<string?> option)
    {
        var name = parse.GetValue(option);
        return name is null || (!string.IsNullOrWhiteSpace(name) && name != BudgetScope.Each) ? name
            : throw new UsageException($"{option.Name} '{name}' is no name; name one, or leave the option out.");
    }

    private static Option<string?> Named(string what) => new($"--{what}") { Description = $"Only this {what}", HelpName = "NAME" };
}
