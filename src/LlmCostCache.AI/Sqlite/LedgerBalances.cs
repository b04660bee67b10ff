using Microsoft.Data.Sqlite;

namespace LlmCostCache.AI;

/// <summary>Reads where the budgets stand, what was set for them at run time, and the history of that.</summary>
internal static class LedgerBalances
{
    /// <param name="connection">The ledger.</param>
    /// <param name="calendar">Whose windows.</param>
    /// <param name="now">At which moment.</param>
    /// <param name="given">The budgets, by id, that hold for the reader whoever has forgotten them.</param>
    public static IReadOnlyList<WindowBalance> Read(SqliteConnection connection, LedgerCalendar calendar, DateTimeOffset now, IReadOnlySet<string>? given = null)
    {
        var balances = new List<WindowBalance>();
        var settings = Settings(connection, now);
        var inCode = InCode(connection);
        var statements = new List<SqliteStatement>();
        try
        {
            SqliteStatement Prepare(string sql)
            {
                var statement = new SqliteStatement(connection, sql);
                statements.Add(statement);
                return statement;
            }

            var windows = Prepare("""
                SELECT window_key, starts_at, ends_at, posted_nanos, pending_nanos
                  FROM budget_window
                 WHERE budget_id = ?1 AND starts_at <= ?2 AND ends_at > ?2
                 ORDER BY window_key, starts_at
                """);
            var slices = Prepare("""
                SELECT rolling_window.window_key, COALESCE(SUM(posted_nanos), 0), COALESCE(SUM(pending_nanos), 0)
                  FROM rolling_window LEFT JOIN budget_window
                    ON budget_window.budget_id = rolling_window.budget_id AND budget_window.window_key = rolling_window.window_key AND starts_at >= ?2 AND starts_at <= ?3
                 WHERE rolling_window.budget_id = ?1 AND complete_from <= ?2
                 GROUP BY rolling_window.window_key
                HAVING rolling_window.window_key = '' OR SUM(posted_nanos) <> 0 OR SUM(pending_nanos) <> 0
                """);
            var seed = new WindowSeed(Prepare);
            foreach (var known in LedgerReader.Budgets(connection).Where(budget => budget.Period != BudgetPeriod.PerCall))
            {
                var setting = settings.Of(known);
                if (setting is null && !inCode.ContainsKey(known.Id) && given?.Contains(known.Id) != true)
                {
                    continue;
                }

                var budget = setting is null ? known : known.Under(setting.Budget);
                var (startsAt, endsAt) = calendar.WindowOf(budget, now);
                var found = false;
                if (budget.Span is { } span)
                {
                    var rolling = RollingSlices.Of(span);
                    slices.Bind(1, budget.Id).Bind(2, LedgerTime.Micros(rolling.FirstBeside(startsAt))).Bind(3, LedgerTime.Micros(rolling.LastBeside(startsAt)));
                    while (slices.Step())
                    {
                        found = true;
                        Add(new BudgetWindow(budget, slices.Text(0), startsAt, endsAt), slices.Int64(1), slices.Int64(2));
                    }

                    if (!found && !budget.Scope.IsTemplate)
                    {
                        var window = new BudgetWindow(budget, "", startsAt, endsAt);
                        Add(window, seed.Sum(window with { StartsAt = rolling.FirstBeside(startsAt) }), 0);
                    }

                    continue;
                }

                var current = LedgerTime.Micros(startsAt);
                windows.Bind(1, budget.Id).Bind(2, LedgerTime.Micros(now));
                while (windows.Step())
                {
                    found |= windows.Int64(1) == current;
                    Add(new BudgetWindow(budget, windows.Text(0), Bound(windows.Int64(1)), Bound(windows.Int64(2))), windows.Int64(3), windows.Int64(4));
                }

                if (!found && !budget.Scope.IsTemplate)
                {
                    var window = new BudgetWindow(budget, "", startsAt, endsAt);
                    Add(window, seed.Sum(window), 0);
                }
            }
        }
        finally
        {
            statements.ForEach(static statement => statement.Dispose());
        }

        return balances;

        void Add(BudgetWindow window, long spent, long reserved) => balances.Add(new WindowBalance(
            window, settings.LimitOf(window.Budget, window.Key, now), BudgetAmount.Of(window.Budget.Unit, spent), BudgetAmount.Of(window.Budget.Unit, reserved)));
    }

    /// <summary>Every budget that holds: given in code, or set at run time.</summary>
    public static IReadOnlyList<BudgetStanding> Standings(SqliteConnection connection, LedgerCalendar calendar, DateTimeOffset now)
    {
        var settings = Settings(connection, now);
        var inCode = InCode(connection);
        var since = GivenSince(connection);
        var uses = Read(connection, calendar, now).ToLookup(balance => balance.Window.Budget.Id, StringComparer.Ordinal);
        var standings = new List<BudgetStanding>();
        foreach (var known in LedgerReader.Budgets(connection))
        {
            var setting = settings.Of(known);
            if (setting is null && !inCode.ContainsKey(known.Id))
            {
                continue;
            }

            standings.Add(new()
            {
                Budget = setting is null ? known : known.Under(setting.Budget),
                LimitInCode = inCode.TryGetValue(known.Id, out var givenAt) ? known.Amount : null,
                GivenSince = inCode.ContainsKey(known.Id) ? since.GetValueOrDefault(known.Id) : null,
                LastGivenAt = givenAt,
                IsSetAtRunTime = setting is not null,
                SetAt = setting?.At,
                SetBy = setting?.By,
                Note = setting?.Note,
                Grants = settings.GrantsOf(known),
                Uses = [.. uses[known.Id].Select(balance => new BudgetUse(
                    balance.Window.Key, balance.Window.StartsAt, balance.Window.EndsAt, balance.Limit, balance.Spent, balance.Reserved))],
            });
        }

        return standings;
    }

    /// <summary>Null when nothing was set since a revision.</summary>
    public static BudgetSettings? SettingsAfter(SqliteConnection connection, long known, DateTimeOffset now)
    {
        using (var revision = new SqliteStatement(connection, BudgetSettingText.Revision))
        {
            if (BudgetSettingText.ReadRevision(revision) == known)
            {
                return null;
            }
        }

        return Settings(connection, now);
    }

    /// <summary>The budgets that some application gives in code or configuration, and when one that does last started, if that was noted.</summary>
    private static Dictionary<string, DateTimeOffset?> InCode(SqliteConnection connection)
    {
        using var select = new SqliteStatement(connection, "SELECT id, given_at FROM budget WHERE in_code <> 0");
        var given = new Dictionary<string, DateTimeOffset?>(StringComparer.Ordinal);
        while (select.Step())
        {
            given.Add(select.Text(0), select.NullableInt64(1) is { } at ? LedgerTime.Instant(at) : null);
        }

        return given;
    }

    /// <summary>When each budget was first given in code, or for the first time since it was forgotten: history says so, and is never rewritten.</summary>
    private static Dictionary<string, DateTimeOffset?> GivenSince(SqliteConnection connection)
    {
        var since = new Dictionary<string, DateTimeOffset?>(StringComparer.Ordinal);
        using var select = new SqliteStatement(connection, "SELECT budget_id, action, at FROM budget_change WHERE action IN ('code', 'forget') ORDER BY seq");
        while (select.Step())
        {
            if (select.Text(1) == "forget")
            {
                since.Remove(select.Text(0));
            }
            else
            {
                since.TryAdd(select.Text(0), LedgerTime.Instant(select.Int64(2)));
            }
        }

        return since;
    }

    public static IReadOnlyList<BudgetChange> Changes(SqliteConnection connection)
    {
        var changes = new List<BudgetChange>();
        using var select = new SqliteStatement(connection, $"""
            SELECT {BudgetText.Columns}, at, action, grant_id, window_key, old_nanos, new_nanos, from_at, until_at, changed_by, note
              FROM budget_change JOIN budget ON budget.id = budget_change.budget_id
             ORDER BY seq
            """);
        while (select.Step())
        {
            var budget = BudgetText.Read(select, 0);
            changes.Add(new()
            {
                Budget = budget,
                At = LedgerTime.Instant(select.Int64(8)),
                Action = Enum.Parse<BudgetAction>(select.Text(9), ignoreCase: true),
                GrantId = select.NullableInt64(10),
                Key = select.NullableText(11),
                Old = select.NullableInt64(12) is { } old ? BudgetAmount.Of(budget.Unit, old) : null,
                New = select.NullableInt64(13) is { } now ? BudgetAmount.Of(budget.Unit, now) : null,
                From = select.NullableInt64(14) is { } from ? LedgerTime.Instant(from) : null,
                Until = select.NullableInt64(15) is { } until ? LedgerTime.Instant(until) : null,
                By = select.Text(16),
                Note = select.NullableText(17),
            });
        }

        return changes;
    }

    private static BudgetSettings Settings(SqliteConnection connection, DateTimeOffset now)
    {
        using var revision = new SqliteStatement(connection, BudgetSettingText.Revision);
        using var limits = new SqliteStatement(connection, BudgetSettingText.Settings);
        using var grants = new SqliteStatement(connection, BudgetSettingText.Grants);
        return BudgetSettingText.Read(revision, limits, grants, LedgerTime.Micros(now));
    }

    internal static DateTimeOffset Bound(long micros) => micros == LedgerTime.Micros(DateTimeOffset.MaxValue) ? DateTimeOffset.MaxValue : LedgerTime.Instant(micros);
}
