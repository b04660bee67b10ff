using System.Globalization;
using System.Text.Json;
using LlmCostCache.AI.Cli.Budgets;
using LlmCostCache.AI.Cli.Rendering;
using Spectre.Console;

namespace LlmCostCache.AI.Cli.Reports;

/// <summary>Today, this week, this month, and where the budgets stand.</summary>
internal sealed record Overview
{
    private static readonly (string Name, BudgetPeriod Period)[] s_periods = [("today", BudgetPeriod.Day), ("this week", BudgetPeriod.Week), ("this month", BudgetPeriod.Month)];

    public required DateTimeOffset At { get; init; }

    public required TimeZoneInfo Zone { get; init; }

    public required IReadOnlyList<(string Name, DateTimeOffset Since, DateTimeOffset Until, LedgerTotal Total)> Periods { get; init; }

    public required IReadOnlyList<WindowBalance> Budgets { get; init; }

    /// <summary>At which rates amounts of other currencies became dollars, in any of the periods.</summary>
    public IReadOnlyList<LedgerConversion> Converted { get; init; } = [];

    /// <summary>The currency to show beside dollars; null for none.</summary>
    public DisplayCurrency? Display { get; init; }

    /// <param name="view">The ledger; null when there is none yet.</param>
    /// <param name="zone">The zone of the periods; null for the one that is configured. Budgets keep theirs.</param>
    /// <param name="now">Now.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task<Overview> ReadAsync(LedgerView? view, TimeZoneInfo? zone, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var budgets = view is null ? [] : await view.ReadBalancesAsync(cancellationToken).ConfigureAwait(false);
        var calendar = view?.Calendar ?? LedgerCalendar.Utc;
        calendar = zone is null ? calendar : calendar.In(zone);
        var periods = new List<(string Name, DateTimeOffset Since, DateTimeOffset Until, LedgerTotal Total)>();
        foreach (var (name, period) in s_periods)
        {
            var (startsAt, endsAt) = calendar.WindowOf(period, now);
            var total = view is null
                ? new LedgerTotal()
                : (await view.Ledger.TotalsAsync(null, null, new() { Since = startsAt, Until = endsAt }, cancellationToken).ConfigureAwait(false))[0];
            periods.Add((name, startsAt, endsAt, total));
        }

        var all = new LedgerFilter { Since = periods.Min(period => period.Since), Until = periods.Max(period => period.Until) };
        return new()
        {
            At = now,
            Zone = calendar.Zone,
            Periods = periods,
            Budgets = budgets,
            Converted = view is null ? [] : await view.Ledger.ConversionsAsync(all, cancellationToken).ConfigureAwait(false),
        };
    }

    public void WriteFields(Utf8JsonWriter json)
    {
        TotalJson.WriteInstant(json, "at", At);
        json.WriteString("timezone", Zone.Id);
        json.WriteStartArray("periods");
        foreach (var (name, since, until, total) in Periods)
        {
            json.WriteStartObject();
            json.WriteString("period", name.Replace(' ', '_'));
            TotalJson.WriteInstant(json, "since", since);
            TotalJson.WriteInstant(json, "until", until);
            TotalJson.WriteFields(json, total);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("budgets");
        foreach (var (window, limit, spent, reserved) in Budgets)
        {
            json.WriteStartObject();
            json.WriteString("name", window.Budget.Name);
            json.WriteString("key", window.Key);
            json.WriteString("scope", window.Budget.Scope.ToString());
            json.WriteString("period", BudgetText.Word(window.Budget.Period));
            json.WriteString("mode", window.Budget.Mode.ToString().ToLowerInvariant());
            TotalJson.WriteInstant(json, "since", window.StartsAt);
            TotalJson.WriteInstant(json, "until", window.EndsAt);
            var unit = window.Budget.Unit;
            var suffix = unit == BudgetUnit.Usd ? "nanos" : BudgetText.Word(unit);
            json.WriteString("unit", BudgetText.Word(unit));
            json.WriteNumber($"limit_{suffix}", limit.Count);
            json.WriteNumber($"spent_{suffix}", spent.Count);
            json.WriteNumber($"reserved_{suffix}", reserved.Count);
            json.WriteNumber($"left_{suffix}", Left(limit, spent, reserved).Count);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        Conversions.WriteFields(json, Converted);
        Display?.WriteFields(json, Periods[^1].Total);
    }

    public void Show(IAnsiConsole console)
    {
        var table = new FittingTable().Words("").Number("spent").Number("saved", 1).Number("calls").Number("hit rate", 2).Number("unpriced", 3);
        foreach (var (name, _, _, total) in Periods)
        {
            table.Row(name, Amounts.Spent(total), Amounts.Text(total.Saved), Amounts.Count(total.Calls), Amounts.HitRateText(total), Amounts.Count(total.Unpriced));
        }

        table.WriteTo(console);
        if (Periods[^1].Total is { Unpriced: > 0 } month)
        {
            console.WriteLine($"Spent this month {Amounts.Spent(month)}, {Amounts.Unpriced(month.Unpriced)}.");
        }

        foreach (var sentence in Conversions.Sentences(Converted))
        {
            console.WriteLine(sentence);
        }

        if (Display is not null)
        {
            console.WriteLine($"This month: {Display.Sentence(Periods[^1].Total)}");
        }

        if (Periods[^1].Total.Saved < Money.Zero)
        {
            console.WriteLine("The cache spent more than it saved this month.");
        }

        if (Budgets.Count > 0)
        {
            console.WriteLine();
            ShowBudgets(console);
        }
    }

    private void ShowBudgets(IAnsiConsole console)
    {
        var table = new FittingTable().Words("budget").Number("limit").Number("spent").Number("reserved", 1).Number("left", 2).Words("resets at", 3);
        foreach (var (window, limit, spent, reserved) in Budgets)
        {
            table.Row(
                window.Key.Length == 0 ? window.Budget.Name : $"{window.Budget.Name} [{window.Key}]",
                BudgetFields.Text(limit),
                BudgetFields.Text(spent),
                BudgetFields.Text(reserved),
                BudgetFields.Text(Left(limit, spent, reserved)),
                window.Budget.Span is { } span ? $"rolls, {BudgetText.Length(span)}" : window.EndsAt == DateTimeOffset.MaxValue ? "never" : TimeZoneInfo.ConvertTime(window.EndsAt, Zone).ToString("yyyy-MM-dd HH:mm zzz", CultureInfo.InvariantCulture));
        }

        table.WriteTo(console);
    }

    private static BudgetAmount Left(BudgetAmount limit, BudgetAmount spent, BudgetAmount reserved) =>
        BudgetAmount.Max(BudgetAmount.Of(limit.Unit, 0), limit - spent - reserved);
}
