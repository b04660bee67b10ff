using System.Globalization;

namespace LlmCostCache.AI;

/// <summary>
/// The budgets of the ledger, with the limits and grants that were set at run time, inside the transaction that its caller began. All is remembered between transactions: other processes announce
/// a change by the revision in <c>meta</c>, which each transaction reads.
/// </summary>
internal sealed class LedgerBudgets
{
    private const int MaxMatches = 1_000;

    private readonly TimeProvider _time;
    private readonly Dictionary<string, Budget> _known = new(StringComparer.Ordinal);
    private readonly SqliteStatement _revision, _setMeta, _limitRevision, _select, _upsert, _inCode, _selectSettings, _selectGrants;
    private readonly SqliteStatement _given, _forget, _upsertSetting, _deleteSetting, _insertGrant, _deleteGrant, _insertChange, _setThresholds, _done;

    // Callers say who they are in few ways, mostly; which budgets that means is remembered until there is another budget.
    private readonly Dictionary<(Attribution Attribution, string? RequestedModel, string? ModelKey), List<BudgetMatch>> _matches = [];
    private BudgetMatcher _matcher = BudgetMatcher.Empty;
    private string? _seen;

    public LedgerBudgets(Func<string, SqliteStatement> prepare, TimeProvider time)
    {
        _time = time;
        _revision = prepare("SELECT value FROM meta WHERE key = 'budget_revision'");
        _limitRevision = prepare("SELECT value FROM meta WHERE key = 'limit_revision'");
        _setMeta = prepare("INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
        _select = prepare($"SELECT {BudgetText.Columns}, thresholds FROM budget");
        _upsert = prepare("""
            INSERT INTO budget (id, scope, period, name, limit_nanos, mode, fallback, unit, span_ms, in_code, given_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                ON CONFLICT (id) DO UPDATE SET
                limit_nanos = excluded.limit_nanos, mode = excluded.mode, fallback = excluded.fallback, in_code = excluded.in_code, given_at = excluded.given_at
            """);
        _given = prepare("UPDATE budget SET given_at = ?2 WHERE id = ?1");
        _forget = prepare("UPDATE budget SET in_code = 0 WHERE id = ?1");
        _setThresholds = prepare("UPDATE budget SET thresholds = ?2 WHERE id = ?1");
        _inCode = prepare("SELECT in_code FROM budget WHERE id = ?1");
        _selectSettings = prepare(BudgetSettingText.Settings);
        _selectGrants = prepare(BudgetSettingText.Grants);
        _upsertSetting = prepare("""
            INSERT INTO budget_setting (budget_id, limit_nanos, mode, fallback, set_at, set_by, note, thresholds) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                ON CONFLICT (budget_id) DO UPDATE SET limit_nanos = excluded.limit_nanos, mode = excluded.mode, fallback = excluded.fallback,
                set_at = excluded.set_at, set_by = excluded.set_by, note = excluded.note, thresholds = COALESCE(excluded.thresholds, thresholds)
            """);
        _deleteSetting = prepare("DELETE FROM budget_setting WHERE budget_id = ?1");
        _insertGrant = prepare("""
            INSERT INTO budget_grant (budget_id, window_key, amount_nanos, from_at, until_at, set_at, set_by, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id
            """);
        _deleteGrant = prepare("DELETE FROM budget_grant WHERE id = ?1");
        _insertChange = prepare("""
            INSERT INTO budget_change (at, budget_id, action, grant_id, window_key, old_nanos, new_nanos, from_at, until_at, changed_by, note, request)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
            """);
        _done = prepare("SELECT grant_id FROM budget_change WHERE request = ?1");
    }

    /// <summary>The budgets that count a row, of every one that was ever given, so that nothing spent under one is lost while it is away.</summary>
    public List<BudgetMatch> Match(LedgerEntry entry)
    {
        var asked = (entry.Attribution, entry.RequestedModel, entry.ModelKey);
        if (_matches.TryGetValue(asked, out var matches))
        {
            return matches;
        }

        if (_matches.Count >= MaxMatches)
        {
            _matches.Clear();
        }

        matches = _matcher.Match(asked.Attribution, asked.RequestedModel, asked.ModelKey);
        _matches.Add(asked, matches);
        return matches;
    }

    public BudgetSettings Settings { get; private set; } = BudgetSettings.None;

    private long Now => LedgerTime.Micros(_time.GetUtcNow());

    public BudgetUnit UnitOf(string id) => _known[id].Unit;

    public Budget? Find(string id) => _known.GetValueOrDefault(id);

    /// <summary>What a window allows now: the limit that its budget was matched with, and what is granted on top.</summary>
    public BudgetAmount LimitOf(BudgetWindow window) => Settings.LimitOf(window.Budget, window.Key, _time.GetUtcNow());

    /// <summary>A budget as it holds now: with its thresholds, and the limit that was set at run time.</summary>
    public Budget Holding(Budget budget)
    {
        var known = _known.GetValueOrDefault(budget.Id, budget);
        return Settings.Of(known) is { } setting ? known.Under(setting.Budget) : known;
    }

    /// <summary>Reads again what another process changed.</summary>
    /// <returns>Whether anything may have changed.</returns>
    public bool Refresh()
    {
        if (!_revision.Step())
        {
            throw new LlmCostException("The ledger has lost its list of budgets. Run 'llmcost ledger verify'.");
        }

        var revision = _revision.Text(0);
        _revision.Reset();
        if (revision == _seen)
        {
            return false;
        }

        Read();
        _seen = revision;
        return true;
    }

    /// <summary>What was remembered may have been undone in the file.</summary>
    public void Forget() => _seen = null;

    /// <summary>Writes the budgets of an application.</summary>
    public void Configure(IReadOnlyList<Budget> budgets, string by)
    {
        var changed = false;
        foreach (var budget in budgets)
        {
            if (Write(budget, by))
            {
                changed = true;
            }
            else
            {
                _given.Bind(1, budget.Id).Bind(2, Now).Run();
            }
        }

        if (changed)
        {
            Announce();
        }
    }

    /// <summary>Makes sure that a budget is known before a window of it is opened.</summary>
    public void Remember(Budget budget, string by)
    {
        if (!_known.ContainsKey(budget.Id) && Write(budget, by))
        {
            Announce();
        }
    }

    /// <summary>Sets a limit at run time.</summary>
    /// <returns>What was allowed before; null when nothing was.</returns>
    public BudgetAmount? Set(Budget budget, string by, string? note, string request)
    {
        if (IsDone(request, out _))
        {
            return null;
        }

        var old = Settings.Of(budget)?.Budget.Amount ?? (IsInCode(budget.Id) ? _known[budget.Id].Amount : (BudgetAmount?)null);
        if (!_known.ContainsKey(budget.Id))
        {
            Upsert(budget, inCode: false);
        }

        _upsertSetting.Bind(1, budget.Id).Bind(2, budget.Amount.Count).Bind(3, BudgetText.Word(budget.Mode)).Bind(4, budget.Fallbacks).Bind(5, Now).Bind(6, by).Bind(7, note)
            .Bind(8, budget.SaysThresholds ? budget.AnnouncedAt.Text : null).Run();
        Change(budget.Id, "set", old, budget.Amount, by, note, request);
        AnnounceLimits();
        return old;
    }

    /// <summary>Takes a limit away that was set at run time. The windows of the budget stay, and so does what was spent.</summary>
    /// <returns>False when none was set.</returns>
    public bool Remove(Budget budget, string by, string? note, string request)
    {
        if (IsDone(request, out _))
        {
            return true;
        }

        if (Settings.Of(budget) is not { } setting)
        {
            return false;
        }

        _deleteSetting.Bind(1, budget.Id).Run();
        Change(budget.Id, "remove", setting.Budget.Amount, IsInCode(budget.Id) ? _known[budget.Id].Amount : null, by, note, request);
        AnnounceLimits();
        return true;
    }

    /// <summary>No longer lists a budget that code gave: none of those that give it has started since, as far as its owner knows. What it counts goes on being counted.</summary>
    /// <returns>False when code gives no such budget.</returns>
    public bool Forget(Budget budget, string by, string? note, string request)
    {
        if (IsDone(request, out _))
        {
            return true;
        }

        if (!IsInCode(budget.Id))
        {
            return false;
        }

        _forget.Bind(1, budget.Id).Run();
        Change(budget.Id, "forget", _known[budget.Id].Amount, Settings.Of(budget)?.Budget.Amount, by, note, request);
        Announce();
        return true;
    }

    /// <returns>The grant with its number; null when the ledger knows no such budget.</returns>
    public BudgetGrant? Grant(BudgetGrant grant, string request)
    {
        if (IsDone(request, out var granted))
        {
            return grant with { Id = granted!.Value };
        }

        var id = grant.Budget.Id;
        if (!_known.ContainsKey(id) || (Settings.Of(grant.Budget) is null && !IsInCode(id)))
        {
            return null;
        }

        var (from, until) = (LedgerTime.Micros(grant.From), LedgerTime.Micros(grant.Until));
        _insertGrant.Bind(1, id).Bind(2, grant.Key).Bind(3, grant.Amount.Count).Bind(4, from).Bind(5, until).Bind(6, Now).Bind(7, grant.By).Bind(8, grant.Note).Step();
        var number = _insertGrant.Int64(0);
        _insertGrant.Run();
        Change(id, "grant", null, grant.Amount, grant.By, grant.Note, request, grant with { Id = number });
        AnnounceLimits();
        return grant with { Id = number };
    }

    /// <returns>False when no such grant holds or will hold.</returns>
    public bool Revoke(long number, string by, string? note, string request)
    {
        if (IsDone(request, out _))
        {
            return true;
        }

        if (Settings.Grants.FirstOrDefault(grant => grant.Id == number) is not { } grant)
        {
            return false;
        }

        _deleteGrant.Bind(1, number).Run();
        Change(grant.Budget.Id, "revoke", grant.Amount, null, by, note, request, grant);
        AnnounceLimits();
        return true;
    }

    private bool Write(Budget budget, string by)
    {
        var isKnown = _known.TryGetValue(budget.Id, out var known);
        var wasInCode = isKnown && IsInCode(budget.Id);
        if (wasInCode && known!.Amount == budget.Amount && known.Mode == budget.Mode && known.Fallbacks == budget.Fallbacks && known.AnnouncedAt.Equals(budget.AnnouncedAt))
        {
            return false;
        }

        Upsert(budget, inCode: true);
        if (!wasInCode || known!.Amount != budget.Amount)
        {
            Change(budget.Id, "code", wasInCode ? known!.Amount : null, budget.Amount, by, null, null);
        }

        return true;
    }

    private void Upsert(Budget budget, bool inCode)
    {
        _upsert.Bind(1, budget.Id).Bind(2, budget.Scope.ToString()).Bind(3, BudgetText.Stored(budget.Period)).Bind(4, budget.GivenName).Bind(5, budget.Amount.Count)
            .Bind(6, BudgetText.Word(budget.Mode)).Bind(7, budget.Fallbacks).Bind(8, BudgetText.Word(budget.Unit))
            .Bind(9, budget.Span is { } span ? span.Ticks / TimeSpan.TicksPerMillisecond : (long?)null).Bind(10, inCode ? 1 : 0).Bind(11, inCode ? Now : null).Run();
        _setThresholds.Bind(1, budget.Id).Bind(2, BudgetText.Thresholds(budget)).Run();
        if (_known.TryAdd(budget.Id, budget))
        {
            _matcher.Add(budget);
            _matches.Clear();
        }

        _known[budget.Id] = budget;
    }

    private bool IsInCode(string id)
    {
        var inCode = _inCode.Bind(1, id).Step() && _inCode.Int64(0) != 0;
        _inCode.Reset();
        return inCode;
    }

    private void Change(string id, string action, BudgetAmount? old, BudgetAmount? now, string by, string? note, string? request, BudgetGrant? grant = null) =>
        _insertChange.Bind(1, Now).Bind(2, id).Bind(3, action).Bind(4, grant?.Id).Bind(5, grant?.Key).Bind(6, old?.Count).Bind(7, now?.Count)
            .Bind(8, grant is null ? null : LedgerTime.Micros(grant.From)).Bind(9, grant is null ? null : LedgerTime.Micros(grant.Until)).Bind(10, by).Bind(11, note)
            .Bind(12, request).Run();

    private bool IsDone(string request, out long? grant)
    {
        grant = null;
        if (!_done.Bind(1, request).Step())
        {
            return false;
        }

        grant = _done.NullableInt64(0);
        _done.Reset();
        return true;
    }

    private void Announce()
    {
        _seen = (long.Parse(_seen!, CultureInfo.InvariantCulture) + 1).ToString(CultureInfo.InvariantCulture);
        SetMeta("budget_revision", _seen);
    }

    private void AnnounceLimits()
    {
        SetMeta("limit_revision", (Settings.Revision + 1).ToString(CultureInfo.InvariantCulture));
        Announce();
        Read();
    }

    private void SetMeta(string key, string value) => _setMeta.Bind(1, key).Bind(2, value).Run();

    private void Read()
    {
        _known.Clear();
        while (_select.Step())
        {
            var budget = BudgetText.WithThresholds(BudgetText.Read(_select, 0), _select.NullableText(8));
            _known[budget.Id] = budget;
        }

        _matcher = new BudgetMatcher(_known.Values);
        _matches.Clear();
        Settings = BudgetSettingText.Read(_limitRevision, _selectSettings, _selectGrants, Now);
    }
}
