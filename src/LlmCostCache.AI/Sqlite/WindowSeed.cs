using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>What the ledger already holds for a window that is opened now: a new budget counts it.</summary>
/// <param name="prepare">Prepares a statement.</param>
/// <param name="before">Brings the sums up to date that the transaction has gathered and not written yet; null when there are none.</param>
internal sealed class WindowSeed(Func<string, SqliteStatement> prepare, Action? before = null)
{
    private const string Names = """
        (?1 IS NULL OR tenant = ?1) AND (?2 IS NULL OR project = ?2) AND (?3 IS NULL OR team = ?3)
           AND (?4 IS NULL OR user = ?4) AND (?5 IS NULL OR feature = ?5) AND (?6 IS NULL OR agent = ?6)
        """;

    private readonly Dictionary<string, SqliteStatement> _statements = new(StringComparer.Ordinal);

    /// <summary>The sum of what was booked in the window; the roll-up answers when the window's ends lie on quarter-hours and its names are summed there.</summary>
    public long Sum(BudgetWindow window) => Sums(window, null).Sum(static slice => slice.Count);

    /// <summary>The same sum for each slice of a span that has anything in it.</summary>
    /// <param name="window">The span.</param>
    /// <param name="slice">How long a slice is, the first one beginning where the window begins; null for the whole window at once.</param>
    public IReadOnlyList<(long StartsAt, long Count)> Sums(BudgetWindow window, TimeSpan? slice)
    {
        before?.Invoke();
        var budget = window.Budget;
        var scope = budget.Scope;
        var values = BudgetText.Names(window.Key).ToDictionary(name => name.Key, name => name.Value, StringComparer.Ordinal);
        string? Wanted(string name, string? wanted) => wanted == BudgetScope.Each ? values[name] : wanted;

        var session = Wanted("session", scope.Session);
        var (from, until) = (LedgerTime.Micros(window.StartsAt), LedgerTime.Micros(window.EndsAt));
        var length = slice is { } span ? span.Ticks / TimeSpan.TicksPerMicrosecond : 0;
        var endless = window.EndsAt == DateTimeOffset.MaxValue;
        var summed = session is null && scope.Model is null && scope.Tag is null;
        var sums = new SortedDictionary<long, long>();
        if (summed && IsQuarter(from) && (endless || IsQuarter(until)) && (length == 0 || IsQuarter(length)))
        {
            var slots = BindNames(Of(FromRollup(budget.Unit, length))).Bind(7, LedgerTime.Slot(from)).Bind(8, LedgerTime.Slot(until) + (endless ? 1 : 0));
            while (slots.Step())
            {
                sums[from + slots.Int64(0) * length] = slots.Int64(1);
            }

            return Filled();
        }

        var rows = BindNames(Of(FromEntries(budget.Unit, session is not null, length))).Bind(7, from).Bind(8, until);
        if (session is not null)
        {
            rows.Bind(9, session);
        }

        var rest = new BudgetScope { Model = scope.Model, Tag = scope.Tag };
        while (rows.Step())
        {
            var attribution = scope.Tag is null ? Attribution.None : new Attribution { Tags = LedgerTags.Read(rows.NullableText(2)) };
            if (rest.TryMatch(attribution, rows.NullableText(0), rows.NullableText(1), out _))
            {
                var startsAt = from + rows.Int64(4) * length;
                sums[startsAt] = checked(sums.GetValueOrDefault(startsAt) + rows.Int64(3));
            }
        }

        return Filled();

        SqliteStatement BindNames(SqliteStatement statement) => statement
            .Bind(1, Wanted("tenant", scope.Tenant)).Bind(2, Wanted("project", scope.Project)).Bind(3, Wanted("team", scope.Team))
            .Bind(4, Wanted("user", scope.User)).Bind(5, Wanted("feature", scope.Feature)).Bind(6, Wanted("agent", scope.Agent));

        IReadOnlyList<(long, long)> Filled() => [.. sums.Where(static sum => sum.Value != 0).Select(static sum => (sum.Key, sum.Value))];
    }

    private SqliteStatement Of(string sql)
    {
        if (!_statements.TryGetValue(sql, out var statement))
        {
            _statements.Add(sql, statement = prepare(sql));
        }

        return statement;
    }

    private static bool IsQuarter(long micros) => micros == LedgerTime.SlotStart(LedgerTime.Slot(micros));

    private static string FromRollup(BudgetUnit unit, long length)
    {
        var slots = length / LedgerTime.SlotStart(1);
        return string.Create(CultureInfo.InvariantCulture, $"""
            SELECT {(slots == 0 ? "0" : $"(slot - ?7) / {slots}")} AS slice, COALESCE(SUM({Count(unit)}), 0)
              FROM dimension CROSS JOIN rollup ON rollup.dimension = dimension.id
             WHERE {Names} AND slot >= ?7 AND slot < ?8 {(unit == BudgetUnit.Usd ? "" : "AND cache_layer = 'none'")}
             {(slots == 0 ? "" : "GROUP BY slice")}
            """);
    }

    private static string FromEntries(BudgetUnit unit, bool ofSession, long length)
    {
        var slice = length == 0 ? "0" : string.Create(CultureInfo.InvariantCulture, $"(at - ?7) / {length}");
        return $"""
            SELECT requested_model, model_key, tags, SUM({Count(unit)}), {slice} AS slice
              FROM entry
             WHERE {Names} AND at >= ?7 AND at < ?8 {(ofSession ? "AND session = ?9" : "")} {(unit == BudgetUnit.Usd ? "" : "AND cache_layer = 'none'")}
             GROUP BY requested_model, model_key, tags{(length == 0 ? "" : ", slice")}
            """;
    }

    // As LedgerEntry.CountOf adds them up.
    private static string Count(BudgetUnit unit) => unit switch
    {
        BudgetUnit.Usd => "booked_nanos",
        BudgetUnit.Requests => "requests",
        _ => "uncached_input_tokens + cached_input_tokens + cache_write_5m_tokens + cache_write_1h_tokens + input_audio_tokens + cached_audio_tokens + input_image_tokens"
            + " + cached_image_tokens + input_video_tokens + citation_tokens + output_tokens + reasoning_tokens + output_audio_tokens + output_image_tokens + output_video_tokens",
    };
}
