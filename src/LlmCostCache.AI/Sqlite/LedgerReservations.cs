namespace LlmCostCache.AI;

/// <summary>
/// The reservations, inside the transaction that its caller began: pending, then voided or expired. One that was posted leaves no row, because the row of its call stands for it.
/// </summary>
/// <remarks>
/// What this process holds is remembered from its reservation to its settlement, so that the file is not asked for it. That is safe because the holds of a reservation never change while it is pending,
/// and whether it still is pending the file says in the statement that ends it. An insertion that was undone is forgotten: another process may then take the id for other holds.
/// </remarks>
internal sealed class LedgerReservations
{
    // Past this many it is cheaper to ask the file than to remember.
    private const int MaxRemembered = 20_000;

    private readonly string _owner;
    private readonly Dictionary<string, List<StoredHold>> _own = new(StringComparer.Ordinal);
    private readonly SqliteStatement _any, _state, _holds, _insert, _delete, _setState, _setDeadline, _due, _prune;

    // Whether the table has any row; null until the transaction has looked.
    private bool? _hasAny;

    public LedgerReservations(Func<string, SqliteStatement> prepare, string owner)
    {
        _owner = owner;
        _any = prepare("SELECT EXISTS (SELECT 1 FROM reservation)");
        _state = prepare("SELECT state FROM reservation WHERE id = ?1");
        _holds = prepare("SELECT holds FROM reservation WHERE id = ?1");
        _insert = prepare("""
            INSERT INTO reservation (id, call_id, attempt, amount_nanos, state, created_at, deadline, owner, record, holds)
            VALUES (?1, ?2, ?3, ?4, 'pending', ?5, ?6, ?7, ?8, ?9)
            """);
        _delete = prepare("DELETE FROM reservation WHERE id = ?1 AND state = 'pending'");
        _setState = prepare("UPDATE reservation SET state = ?2, record = NULL WHERE id = ?1 AND state = 'pending'");
        _setDeadline = prepare("UPDATE reservation SET deadline = max(deadline, ?2) WHERE id = ?1 AND state = 'pending'");
        _due = prepare("SELECT id, record, call_id, attempt, amount_nanos, created_at FROM reservation WHERE state = 'pending' AND deadline <= ?1 ORDER BY deadline, id LIMIT ?2");
        _prune = prepare("DELETE FROM reservation WHERE state = 'voided' AND created_at < ?1");
    }

    /// <summary>How many are remembered; for tests.</summary>
    internal int Remembered => _own.Count;

    /// <summary>A transaction begins: others may have written since the last one.</summary>
    public void Begin() => _hasAny = null;

    /// <returns>"pending", "voided" or "expired"; null when there is none, also when it was posted.</returns>
    public string? StateOf(string id)
    {
        if (!HasAny())
        {
            return null;
        }

        if (!_state.Bind(1, id).Step())
        {
            return null;
        }

        var state = _state.Text(0);
        _state.Reset();
        return state;
    }

    public List<StoredHold> HoldsOf(string id)
    {
        if (_own.TryGetValue(id, out var own))
        {
            return own;
        }

        if (!_holds.Bind(1, id).Step())
        {
            return [];
        }

        var holds = StoredHold.Read(_holds.Utf8(0));
        _holds.Reset();
        return holds;
    }

    /// <param name="record">The attempt.</param>
    /// <param name="texts">What stands in the row.</param>
    /// <param name="now">When it is made.</param>
    /// <param name="deadline">When it expires.</param>
    public void Insert(UsageRecord record, ReservationTexts texts, long now, long deadline)
    {
        _insert.Bind(1, record.Id).Bind(2, record.CallId ?? record.Id).Bind(3, record.Attempt).Bind(4, texts.Dearest.Nanos).Bind(5, now).Bind(6, deadline).Bind(7, _owner)
            .BindText(8, texts.Record).BindText(9, texts.Holds).Run();
        _hasAny = true;
        if (_own.Count >= MaxRemembered)
        {
            _own.Clear();
        }

        _own[record.Id] = texts.Stored;
    }

    /// <summary>Ends a pending reservation whose call has its row.</summary>
    /// <returns>What it held; null when it was not pending.</returns>
    public List<StoredHold>? Post(string id)
    {
        if (!_own.ContainsKey(id) && StateOf(id) != "pending")
        {
            return null;
        }

        var holds = HoldsOf(id);
        _own.Remove(id);
        return _delete.Bind(1, id).Run() > 0 ? holds : null;
    }

    /// <returns>What it held; null when it was not pending.</returns>
    public List<StoredHold>? Void(string id) => End(id, "voided");

    /// <inheritdoc cref="Void"/>
    public List<StoredHold>? Expire(string id) => End(id, "expired");

    public bool Extend(string id, long deadline) => _setDeadline.Bind(1, id).Bind(2, deadline).Run() > 0;

    /// <summary>Those whose deadline has passed, the oldest first.</summary>
    public List<DueReservation> Due(long now, int most)
    {
        var due = new List<DueReservation>();
        _due.Bind(1, now).Bind(2, most);
        while (_due.Step())
        {
            due.Add(new DueReservation(_due.Text(0), _due.NullableText(1), _due.Text(2), (int)_due.Int64(3), _due.Int64(4), _due.Int64(5)));
        }

        return due;
    }

    /// <summary>Takes away what was voided so long ago that nobody asks for it again.</summary>
    public void Prune(long before) => _prune.Bind(1, before).Run();

    /// <summary>The transaction, or a part of it, was undone.</summary>
    public void Forget()
    {
        _own.Clear();
        _hasAny = null;
    }

    private List<StoredHold>? End(string id, string state)
    {
        var holds = HoldsOf(id);
        _own.Remove(id);
        return _setState.Bind(1, id).Bind(2, state).Run() > 0 ? holds : null;
    }

    private bool HasAny()
    {
        if (_hasAny is not { } any)
        {
            any = _any.Step() && _any.Int64(0) != 0;
            _any.Reset();
            _hasAny = any;
        }

        return any;
    }
}
