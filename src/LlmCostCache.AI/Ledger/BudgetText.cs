using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>Reads a budget back from its scope, period, name and limit, so that a process sees the budgets of the others.</summary>
internal static class BudgetText
{
    /// <summary>The columns that <see cref="Read(SqliteStatement, int)"/> reads, in their order.</summary>
    public const string Columns = "scope, period, name, limit_nanos, mode, fallback, unit, span_ms";

    private const string StoredPerCall = "percall";

    /// <param name="row">A row.</param>
    /// <param name="first">Where <see cref="Columns"/> begin in it.</param>
    public static Budget Read(SqliteStatement row, int first) => Read(
        row.Text(first), row.Text(first + 1), row.NullableText(first + 2), BudgetAmount.Of(Unit(row.Text(first + 6)), row.Int64(first + 3)), row.Text(first + 4), row.NullableText(first + 5),
        row.NullableInt64(first + 7) is { } span ? TimeSpan.FromMilliseconds(span) : null);

    public static Budget Read(string scope, string period, string? name, BudgetAmount limit, string mode, string? fallback, TimeSpan? span)
    {
        var budget = period switch
        {
            "minute" => Budget.PerMinute(limit),
            "hour" => Budget.Hourly(limit),
            "day" => Budget.Daily(limit),
            "week" => Budget.Weekly(limit),
            "month" => Budget.Monthly(limit),
            "quarter" => Budget.Quarterly(limit),
            "year" => Budget.Yearly(limit),
            "rolling" when span is not null => Budget.Rolling(limit, span.Value),
            "total" => Budget.Total(limit),
            "call" or StoredPerCall => Budget.PerCall(limit),
            _ => throw new LlmCostException($"The ledger holds a budget for each '{period}', a period that this version does not know. Update it."),
        };
        foreach (var (key, value) in Names(scope == "all" ? "" : scope))
        {
            budget = For(budget, key, value) ?? throw new LlmCostException($"The ledger holds a budget for a '{key}', which this version does not know. Update it.");
        }

        budget = mode switch
        {
            "warn" => budget.Warn(),
            "balanced" => budget.Balanced(),
            _ => budget,
        };
        budget = name is null ? budget : budget.Named(name);
        return fallback is null ? budget : budget.FallBackTo(fallback.Split('\n'));
    }

    /// <summary>The budget with the thresholds that stand in the ledger beside it.</summary>
    public static Budget WithThresholds(Budget budget, string? thresholds) => thresholds is null ? budget : budget with { AnnouncedAt = BudgetThresholds.Parse(thresholds) };

    /// <summary>Null for the usual ones.</summary>
    public static string? Thresholds(Budget budget) => budget.AnnouncedAt.Equals(BudgetThresholds.Default) ? null : budget.AnnouncedAt.Text;

    /// <summary>Narrows a budget to a name, or gives each value a budget of its own; null when there is no such kind of name.</summary>
    public static Budget? For(Budget budget, string key, string value) => (key, value) switch
    {
        ("tenant", BudgetScope.Each) => budget.ForEachTenant(),
        ("tenant", _) => budget.ForTenant(value),
        ("project", BudgetScope.Each) => budget.ForEachProject(),
        ("project", _) => budget.ForProject(value),
        ("team", BudgetScope.Each) => budget.ForEachTeam(),
        ("team", _) => budget.ForTeam(value),
        ("user", BudgetScope.Each) => budget.ForEachUser(),
        ("user", _) => budget.ForUser(value),
        ("feature", BudgetScope.Each) => budget.ForEachFeature(),
        ("feature", _) => budget.ForFeature(value),
        ("session", BudgetScope.Each) => budget.ForEachSession(),
        ("session", _) => budget.ForSession(value),
        ("agent", BudgetScope.Each) => budget.ForEachAgent(),
        ("agent", _) => budget.ForAgent(value),
        ("model", _) => budget.ForModel(value),
        ("tag", _) => budget.ForTag(value),
        _ => null,
    };

    /// <summary>Period and unit as people read them: <c>call</c>, <c>day</c>, <c>day tokens</c>, <c>rolling 24h</c>.</summary>
    public static string Kind(Budget budget) => Kind(budget, Word(budget.Period));

    /// <summary>The same as it stands in ledgers, where it is part of a budget's identity and never changes.</summary>
    public static string StoredKind(Budget budget) => Kind(budget, Stored(budget.Period));

    /// <summary>A period as it stands in ledgers.</summary>
    public static string Stored(BudgetPeriod period) => period == BudgetPeriod.PerCall ? StoredPerCall : Word(period);

    private static string Kind(Budget budget, string word)
    {
        var period = budget.Span is { } span ? $"rolling {Length(span)}" : word;
        return budget.Unit == BudgetUnit.Usd ? period : $"{period} {Word(budget.Unit)}";
    }

    /// <summary>A span in the largest unit that it is whole in: <c>24h</c>, <c>90s</c>, <c>30d</c>.</summary>
    public static string Length(TimeSpan span) => span.Ticks switch
    {
        var ticks when ticks % TimeSpan.TicksPerDay == 0 && ticks > TimeSpan.TicksPerDay => Counted(ticks / TimeSpan.TicksPerDay, "d"),
        var ticks when ticks % TimeSpan.TicksPerHour == 0 => Counted(ticks / TimeSpan.TicksPerHour, "h"),
        var ticks when ticks % TimeSpan.TicksPerMinute == 0 => Counted(ticks / TimeSpan.TicksPerMinute, "m"),
        var ticks when ticks % TimeSpan.TicksPerSecond == 0 => Counted(ticks / TimeSpan.TicksPerSecond, "s"),
        var ticks => Counted(ticks / TimeSpan.TicksPerMillisecond, "ms"),
    };

    public static string Word(BudgetUnit unit) => unit.ToString().ToLowerInvariant();

    public static BudgetUnit Unit(string word) =>
        Enum.TryParse<BudgetUnit>(word, ignoreCase: true, out var unit) ? unit : throw new LlmCostException($"The ledger holds a budget in '{word}', a unit that this version does not know. Update it.");

    public static string Word(BudgetPeriod period) => period == BudgetPeriod.PerCall ? "call" : period.ToString().ToLowerInvariant();

    public static string Word(BudgetMode mode) => mode.ToString().ToLowerInvariant();

    /// <summary>The names and values of a scope or of a window key: <c>project=my-app,user=alice</c>.</summary>
    public static IEnumerable<(string Key, string Value)> Names(string text) =>
        from part in text.Split(',', StringSplitOptions.RemoveEmptyEntries)
        let split = part.IndexOf('=', StringComparison.Ordinal)
        select (part[..split], Uri.UnescapeDataString(part[(split + 1)..]));

    private static string Counted(long count, string unit) => string.Create(CultureInfo.InvariantCulture, $"{count}{unit}");
}
