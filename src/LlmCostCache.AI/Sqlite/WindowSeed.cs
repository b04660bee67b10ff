namespace LlmCostCache.AI;

/// <summary>What the ledger already holds for a window that is opened now: a new budget counts it.</summary>
internal static class WindowSeed
{
    public const string FromRollup = """
        SELECT COALESCE(SUM(rollup.booked_nanos), 0)
          FROM dimension CROSS JOIN rollup ON rollup.dimension = dimension.id
         WHERE (?1 IS NULL OR tenant = ?1) AND (?2 IS NULL OR project = ?2) AND (?3 IS NULL OR team = ?3)
           AND (?4 IS NULL OR user = ?4) AND (?5 IS NULL OR feature = ?5) AND (?6 IS NULL OR agent = ?6)
           AND slot >= ?7 AND slot < ?8
        """;

    public const string FromEntries = """
        SELECT requested_model, model_key, tags, SUM(booked_nanos)
          FROM entry
         WHERE (?1 IS NULL OR tenant = ?1) AND (?2 IS NULL OR project = ?2) AND (?3 IS NULL OR team = ?3)
           AND (?4 IS NULL OR user = ?4) AND (?5 IS NULL OR feature = ?5) AND (?6 IS NULL OR agent = ?6)
           AND at >= ?7 AND at < ?8
         GROUP BY requested_model, model_key, tags
        """;

    public const string FromSession = """
        SELECT requested_model, model_key, tags, SUM(booked_nanos)
          FROM entry
         WHERE (?1 IS NULL OR tenant = ?1) AND (?2 IS NULL OR project = ?2) AND (?3 IS NULL OR team = ?3)
           AND (?4 IS NULL OR user = ?4) AND (?5 IS NULL OR feature = ?5) AND (?6 IS NULL OR agent = ?6)
           AND at >= ?7 AND at < ?8 AND session = ?9
         GROUP BY requested_model, model_key, tags
        """;

    /// <summary>The sum of the booked amounts in the window; the roll-up answers when the window's ends lie on quarter-hours and its names are summed there.</summary>
    public static long Sum(BudgetWindow window, SqliteStatement fromRollup, SqliteStatement fromEntries, SqliteStatement fromSession)
    {
        var scope = window.Budget.Scope;
        var values = BudgetText.Names(window.Key).ToDictionary(name => name.Key, name => name.Value, StringComparer.Ordinal);
        string? Wanted(string name, string? wanted) => wanted == BudgetScope.Each ? values[name] : wanted;

        var session = Wanted("session", scope.Session);
        var (from, until) = (LedgerTime.Micros(window.StartsAt), LedgerTime.Micros(window.EndsAt));
        var endless = window.EndsAt == DateTimeOffset.MaxValue;
        var aligned = from == LedgerTime.SlotStart(LedgerTime.Slot(from)) && (endless || until == LedgerTime.SlotStart(LedgerTime.Slot(until)));
        if (aligned && session is null && scope.Model is null && scope.Tag is null)
        {
            BindNames(fromRollup).Bind(7, LedgerTime.Slot(from)).Bind(8, LedgerTime.Slot(until) + (endless ? 1 : 0));
            fromRollup.Step();
            var sum = fromRollup.Int64(0);
            fromRollup.Reset();
            return sum;
        }

        var rows = BindNames(session is null ? fromEntries : fromSession).Bind(7, from).Bind(8, until);
        if (session is not null)
        {
            rows.Bind(9, session);
        }

        var total = 0L;
        var rest = new BudgetScope { Model = scope.Model, Tag = scope.Tag };
        while (rows.Step())
        {
            var attribution = scope.Tag is null ? Attribution.None : new Attribution { Tags = LedgerTags.Read(rows.NullableText(2)) };
            if (rest.TryMatch(attribution, rows.NullableText(0), rows.NullableText(1), out _))
            {
                total = checked(total + rows.Int64(3));
            }
        }

        return total;

        SqliteStatement BindNames(SqliteStatement statement) => statement
            .Bind(1, Wanted("tenant", scope.Tenant)).Bind(2, Wanted("project", scope.Project)).Bind(3, Wanted("team", scope.Team))
            .Bind(4, Wanted("user", scope.User)).Bind(5, Wanted("feature", scope.Feature)).Bind(6, Wanted("agent", scope.Agent));
    }
}
