namespace LlmCostCache.AI;

/// <summary>Reads a budget back from its scope, period, name and limit, so that a process sees the budgets of the others.</summary>
internal static class BudgetText
{
    public static Budget Read(string scope, string period, string? name, Money limit, string mode, string? fallback, string? thresholds)
    {
        var budget = period switch
        {
            "hour" => Budget.Hourly(limit.Usd),
            "day" => Budget.Daily(limit.Usd),
            "week" => Budget.Weekly(limit.Usd),
            "month" => Budget.Monthly(limit.Usd),
            "total" => Budget.Total(limit.Usd),
            "percall" => Budget.PerCall(limit.Usd),
            _ => throw new LlmCostException($"The ledger holds a budget for each '{period}', a period that this version does not know. Update it."),
        };
        foreach (var (key, value) in Names(scope == "all" ? "" : scope))
        {
            budget = (key, value) switch
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
                _ => throw new LlmCostException($"The ledger holds a budget for a '{key}', which this version does not know. Update it."),
            };
        }

        budget = mode switch
        {
            "warn" => budget.Warn(),
            "balanced" => budget.Balanced(),
            _ => budget,
        };
        budget = name is null ? budget : budget.Named(name);
        budget = thresholds is null ? budget : budget with { AnnouncedAt = BudgetThresholds.Parse(thresholds) };
        return fallback is null ? budget : budget.FallBackTo(fallback.Split('\n'));
    }

    /// <summary>Null for the usual ones.</summary>
    public static string? Thresholds(Budget budget) => budget.AnnouncedAt.Equals(BudgetThresholds.Default) ? null : budget.AnnouncedAt.Text;

    public static string Word(BudgetPeriod period) => period.ToString().ToLowerInvariant();

    public static string Word(BudgetMode mode) => mode.ToString().ToLowerInvariant();

    /// <summary>The names and values of a scope or of a window key: <c>project=my-app,user=alice</c>.</summary>
    public static IEnumerable<(string Key, string Value)> Names(string text) =>
        from part in text.Split(',', StringSplitOptions.RemoveEmptyEntries)
        let split = part.IndexOf('=', StringComparison.Ordinal)
        select (part[..split], Uri.UnescapeDataString(part[(split + 1)..]));
}
