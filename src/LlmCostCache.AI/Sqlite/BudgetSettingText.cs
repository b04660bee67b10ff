using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>Reads limits and grants that were set at run time.</summary>
internal static class BudgetSettingText
{
    public const string Revision = "SELECT value FROM meta WHERE key = 'limit_revision'";

    public const string Settings = """
        SELECT budget.scope, budget.period, budget.name, budget_setting.limit_nanos, budget_setting.mode, budget_setting.fallback, budget.unit, budget.span_ms,
               budget_setting.set_at, budget_setting.set_by, budget_setting.note, budget_setting.thresholds
          FROM budget_setting JOIN budget ON budget.id = budget_setting.budget_id
        """;

    /// <summary>Those that hold or will hold.</summary>
    public const string Grants = $"""
        SELECT {BudgetText.Columns}, budget_grant.id, budget_grant.window_key, amount_nanos, from_at, until_at, set_by, note
          FROM budget_grant JOIN budget ON budget.id = budget_grant.budget_id
         WHERE until_at > ?1
         ORDER BY budget_grant.id
        """;

    public static BudgetSettings Read(SqliteStatement revision, SqliteStatement settings, SqliteStatement grants, long now)
    {
        var number = ReadRevision(revision);
        var limits = new List<BudgetSetting>();
        while (settings.Step())
        {
            limits.Add(new(BudgetText.WithThresholds(BudgetText.Read(settings, 0), settings.NullableText(11)), LedgerTime.Instant(settings.Int64(8)), settings.Text(9), settings.NullableText(10)));
        }

        var granted = new List<BudgetGrant>();
        grants.Bind(1, now);
        while (grants.Step())
        {
            var budget = BudgetText.Read(grants, 0);
            granted.Add(new()
            {
                Budget = budget,
                Id = grants.Int64(8),
                Key = grants.NullableText(9),
                Amount = BudgetAmount.Of(budget.Unit, grants.Int64(10)),
                From = LedgerTime.Instant(grants.Int64(11)),
                Until = LedgerTime.Instant(grants.Int64(12)),
                By = grants.Text(13),
                Note = grants.NullableText(14),
            });
        }

        return new BudgetSettings(number, limits, granted);
    }

    public static long ReadRevision(SqliteStatement revision)
    {
        if (!revision.Step())
        {
            throw new LlmCostException("The ledger has lost its list of limits. Run 'llmcost ledger verify'.");
        }

        var number = long.Parse(revision.Text(0), CultureInfo.InvariantCulture);
        revision.Reset();
        return number;
    }
}
