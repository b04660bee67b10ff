namespace LlmCostCache.AI.Cli.Reports;

/// <summary>Today, this week, this month, the last thirty days, the dearest models, and where the budgets stand and are heading.</summary>
internal sealed record Overview
{
    /// <summary>A budget for each user can have thousands of windows; the fullest are shown and projected.</summary>
    private const int MostProjected = 20;

    private const int Days = 30;

    private static readonly (string Name, BudgetPeriod Period)[] s_periods = [("today", BudgetPeriod.Day), ("this week", BudgetPeriod.Week), ("this month", BudgetPeriod.Month)];

    public required DateTimeOffset At { get; init; }

    public required TimeZoneInfo Zone { get; init; }

    public required IReadOnlyList<(string Name, DateTimeOffset Since, DateTimeOffset Until, LedgerTotal Total)> Periods { get; init; }

    /// <summary>The last thirty days with today, the earliest first.</summary>
    public required IReadOnlyList<LedgerTotal> LastDays { get; init; }

    /// <summary>What the models cost this month, the dearest first.</summary>
    public required IReadOnlyList<LedgerTotal> Models { get; init; }

    public required IReadOnlyList<WindowBalance> Budgets { get; init; }

    /// <summary>Where the fullest budgets are heading, the fullest first.</summary>
    public required IReadOnlyList<(WindowBalance Balance, BudgetStatus Status)> Projected { get; init; }

    /// <summary>At which rates amounts of other currencies became dollars, in any of the periods.</summary>
    public IReadOnlyList<LedgerConversion> Converted { get; init; } = [];

    /// <summary>The currency to show beside dollars; null for none.</summary>
    public DisplayCurrency? Display { get; init; }

    public LedgerTotal Month => Periods[^1].Total;

    /// <param name="view">The ledger; null when there is none yet.</param>
    /// <param name="zone">The zone of the periods; null for the one that is configured. Budgets keep theirs.</param>
    /// <param name="now">Now.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async Task<Overview> ReadAsync(LedgerView? view, TimeZoneInfo? zone, DateTimeOffset now, CancellationToken cancellationToken)
    {
        // Windows of budgets follow the configured zone, so they are read before another one is chosen.
        var budgets = view is null ? [] : await view.ReadBalancesAsync(cancellationToken).ConfigureAwait(false);
        var calendar = view?.Calendar ?? LedgerCalendar.Utc;
        calendar = zone is null ? calendar : calendar.In(zone);
        if (view is not null)
        {
            view.Calendar = calendar;
        }

        // Weeks and months are whole days, so the days of one reading answer everything.
        var windows = Array.ConvertAll(s_periods, period => (period.Name, Window: calendar.WindowOf(period.Period, now)));
        var days = DaysUntil(windows[0].Window.StartsAt, calendar);
        var filter = new LedgerFilter { Since = windows.Select(period => period.Window.StartsAt).Append(calendar.StartOf(days[0])).Min(), Until = windows.Max(period => period.Window.EndsAt) };
        var totals = view is null ? [] : await view.Ledger.TotalsAsync(LedgerDimension.Day, LedgerDimension.Model, filter, cancellationToken).ConfigureAwait(false);
        var byDay = totals.ToLookup(total => total.Key);
        var month = Of(totals, windows[^1].Window, calendar);
        return new()
        {
            At = now,
            Zone = calendar.Zone,
            Periods = [.. windows.Select(period => (period.Name, period.Window.StartsAt, period.Window.EndsAt, TotalSum.Of(Of(totals, period.Window, calendar))))],
            LastDays = [.. days.Select(day => NameOf(day)).Select(name => TotalSum.Of(byDay[name], name))],
            Models = [.. month.GroupBy(total => total.ThenKey).Select(model => TotalSum.Of(model, model.Key)).OrderByDescending(model => model.Spent).ThenBy(model => model.Key, StringComparer.Ordinal)],
            Budgets = budgets,
            Projected = view is null ? [] : [.. Fullest(budgets).Select(balance => (balance, view.ProjectionOf(balance, cancellationToken)))],
            Converted = view is null ? [] : await view.Ledger.ConversionsAsync(filter with { Since = windows.Min(period => period.Window.StartsAt) }, cancellationToken).ConfigureAwait(false),
        };
    }

    /// <summary>The budgets of which most is spent, when there are too many to look at; else all of them.</summary>
    public static IEnumerable<WindowBalance> Fullest(IReadOnlyList<WindowBalance> budgets) => budgets.Count <= MostProjected
        ? budgets
        : budgets.OrderByDescending(balance => BudgetStatus.Share(balance.Spent, balance.Limit)).Take(MostProjected);

    private static DateOnly[] DaysUntil(DateTimeOffset today, LedgerCalendar calendar)
    {
        var last = DateOnly.ParseExact(calendar.NameOf(LedgerDimension.Day, LedgerTime.Micros(today)), "yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        return [.. Enumerable.Range(0, Days).Select(i => last.AddDays(i + 1 - Days))];
    }

    private static string NameOf(DateOnly day) => day.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The totals of days in a window of whole days.</summary>
    private static List<LedgerTotal> Of(IReadOnlyList<LedgerTotal> totals, (DateTimeOffset StartsAt, DateTimeOffset EndsAt) window, LedgerCalendar calendar)
    {
        var (first, last) = (calendar.NameOf(LedgerDimension.Day, LedgerTime.Micros(window.StartsAt)), calendar.NameOf(LedgerDimension.Day, LedgerTime.Micros(window.EndsAt.AddTicks(-1))));
        return [.. totals.Where(total => string.CompareOrdinal(total.Key, first) >= 0 && string.CompareOrdinal(total.Key, last) <= 0)];
    }
}
