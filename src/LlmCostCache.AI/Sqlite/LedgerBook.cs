using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>Everything that moves money, inside the transaction that its caller began. Used by the writer thread only.</summary>
/// <remarks>
/// Budgets and the dimensions' ids are remembered between transactions; other processes announce a change of the budgets by the
/// revision in <c>meta</c>, and dimensions are never changed.
/// </remarks>
internal sealed class LedgerBook : IDisposable
{
    public const string Columns = """
        seq, id, kind, adjusts, call_id, attempt, at, recorded_at, operation, provider, requested_model, model, model_key, status, certainty,
        cost_nanos, cost_low_nanos, cost_high_nanos, booked_nanos, unpriced, saved_nanos,
        uncached_input_tokens, cached_input_tokens, cache_write_5m_tokens, cache_write_1h_tokens, input_audio_tokens, cached_audio_tokens,
        input_image_tokens, output_tokens, reasoning_tokens, output_audio_tokens, output_image_tokens, requests, web_searches, milliseconds, characters,
        currency, native_cost, fx_rate, fx_date, cache_layer, price_revision, reason, usage_source, flags, service_tier, finish_reason, error,
        latency_ms, first_chunk_ms, streamed, tenant, project, team, user, feature, session, agent, tags, trace_id, span_id, response_id,
        cached_image_tokens, input_video_tokens, output_video_tokens, citation_tokens, images, video_milliseconds, compute_milliseconds, storage_byte_hours, region,
        prev_hash, hash
        """;

    /// <summary>How many columns the first schema had before the two hashes: the hash of a row covers them whatever stands in them.</summary>
    public const int FirstColumns = 62;

    /// <summary>
    /// The columns that later schemas added, in their order. They enter the hash of a row with their name, and only when something other than zero or null stands in them:
    /// rows that were written without them keep their hash, and none can be filled, emptied or exchanged unnoticed.
    /// </summary>
    public static readonly string[] LaterColumns =
    [
        "cached_image_tokens", "input_video_tokens", "output_video_tokens", "citation_tokens", "images", "video_milliseconds", "compute_milliseconds", "storage_byte_hours",
        "region",
    ];

    private const int MaxExpiredAtOnce = 1_000;

    private readonly SqliteConnection _connection;
    private readonly TimeProvider _time;
    private readonly string _owner = string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}/{Environment.ProcessId}");
    private readonly LedgerRowBinder _row;
    private readonly List<SqliteStatement> _statements = [];
    private readonly LedgerRollup _rollup;
    private readonly Dictionary<string, Budget> _budgets = new(StringComparer.Ordinal);
    private readonly SqliteStatement _begin, _commit, _rollback, _savepoint, _release, _rollbackTo, _tail, _head, _revision, _setMeta, _selectBudgets, _upsertBudget;
    private readonly SqliteStatement _insertEntry, _hasEntry, _entryById, _adjustments, _post;
    private readonly SqliteStatement _window, _insertWindow, _hold, _unhold, _seedFromRollup, _seedFromEntries, _seedFromSession;
    private readonly SqliteStatement _due, _reservation, _insertReservation, _setState, _setDeadline, _insertHold, _holds, _deleteHolds, _prune, _pruneHolds;

    private long _lastSequence;
    private byte[] _lastHash = new byte[32];
    private long _sequenceAtBegin;
    private string? _budgetRevision;

    public LedgerBook(SqliteConnection connection, TimeProvider time)
    {
        _connection = connection;
        _time = time;
        _rollup = new LedgerRollup(connection);
        _begin = Prepare("BEGIN IMMEDIATE");
        _commit = Prepare("COMMIT");
        _rollback = Prepare("ROLLBACK");
        _savepoint = Prepare("SAVEPOINT operation");
        _release = Prepare("RELEASE operation");
        _rollbackTo = Prepare("ROLLBACK TO operation");
        _tail = Prepare("SELECT seq, hash, (SELECT value FROM meta WHERE key = 'head') FROM entry ORDER BY seq DESC LIMIT 1");
        _head = Prepare("SELECT value FROM meta WHERE key = 'head'");
        _revision = Prepare("SELECT value FROM meta WHERE key = 'budget_revision'");
        _setMeta = Prepare("INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
        _selectBudgets = Prepare("SELECT id, scope, period, name, limit_nanos, mode, fallback FROM budget");
        _upsertBudget = Prepare("""
            INSERT INTO budget (id, scope, period, name, limit_nanos, mode, fallback) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                ON CONFLICT (id) DO UPDATE SET limit_nanos = excluded.limit_nanos, mode = excluded.mode, fallback = excluded.fallback
            """);
        _insertEntry = Prepare($"INSERT INTO entry ({Columns}) VALUES ({string.Join(", ", Enumerable.Range(1, FirstColumns + LaterColumns.Length + 2).Select(i => "?" + i.ToString(CultureInfo.InvariantCulture)))}) ON CONFLICT (id) DO NOTHING");
        _row = new LedgerRowBinder(_insertEntry, FirstColumns + LaterColumns.Length + 2);
        _hasEntry = Prepare("SELECT 1 FROM entry WHERE id = ?1");
        _entryById = Prepare($"SELECT {Columns} FROM entry WHERE id = ?1");
        _adjustments = Prepare($"SELECT {Columns} FROM entry WHERE adjusts = ?1 ORDER BY seq");
        _post = Prepare("""
            UPDATE budget_window SET posted_nanos = posted_nanos + ?1
             WHERE budget_id = ?2 AND window_key = ?3 AND starts_at <= ?4 AND ends_at > ?4
            """);
        _window = Prepare("SELECT posted_nanos, pending_nanos FROM budget_window WHERE budget_id = ?1 AND window_key = ?2 AND starts_at = ?3");
        _insertWindow = Prepare("INSERT INTO budget_window (budget_id, window_key, starts_at, ends_at, posted_nanos, pending_nanos) VALUES (?1, ?2, ?3, ?4, ?5, 0)");
        _hold = Prepare("UPDATE budget_window SET pending_nanos = pending_nanos + ?1 WHERE budget_id = ?2 AND window_key = ?3 AND starts_at = ?4");
        _unhold = Prepare("UPDATE budget_window SET pending_nanos = pending_nanos - ?1 WHERE budget_id = ?2 AND window_key = ?3 AND starts_at = ?4");
        _seedFromRollup = Prepare(WindowSeed.FromRollup);
        _seedFromEntries = Prepare(WindowSeed.FromEntries);
        _seedFromSession = Prepare(WindowSeed.FromSession);
        _due = Prepare("SELECT id, record FROM reservation WHERE state = 'pending' AND deadline <= ?1 ORDER BY deadline, id LIMIT ?2");
        _reservation = Prepare("SELECT state FROM reservation WHERE id = ?1");
        _insertReservation = Prepare("""
            INSERT INTO reservation (id, call_id, attempt, amount_nanos, state, created_at, deadline, owner, record)
            VALUES (?1, ?2, ?3, ?4, 'pending', ?5, ?6, ?7, ?8)
            """);
        _setState = Prepare("UPDATE reservation SET state = ?2, record = NULL WHERE id = ?1 AND state = 'pending'");
        _setDeadline = Prepare("UPDATE reservation SET deadline = max(deadline, ?2) WHERE id = ?1 AND state = 'pending'");
        _insertHold = Prepare("INSERT INTO hold (reservation_id, budget_id, window_key, starts_at, amount_nanos) VALUES (?1, ?2, ?3, ?4, ?5)");
        _holds = Prepare("SELECT budget_id, window_key, starts_at, amount_nanos FROM hold WHERE reservation_id = ?1");
        _deleteHolds = Prepare("DELETE FROM hold WHERE reservation_id = ?1");
        _pruneHolds = Prepare("DELETE FROM hold WHERE reservation_id IN (SELECT id FROM reservation WHERE state IN ('posted', 'voided') AND created_at < ?1)");
        _prune = Prepare("DELETE FROM reservation WHERE state IN ('posted', 'voided') AND created_at < ?1");
    }

    private long Now => LedgerTime.Micros(_time.GetUtcNow());

    /// <summary>Waits for the file's only write lock, at most five seconds.</summary>
    /// <param name="careful">What <see cref="IsCareful"/> will be until the transaction ends.</param>
    public void Begin(bool careful = true)
    {
        IsCareful = careful;
        _begin.Run();
        ReadTail();
        _sequenceAtBegin = _lastSequence;
        if (!_revision.Step())
        {
            throw new LlmCostException("The ledger has lost its list of budgets. Run 'llmcost ledger verify'.");
        }

        var revision = _revision.Text(0);
        _revision.Reset();
        if (revision != _budgetRevision)
        {
            ReadBudgets();
            _budgetRevision = revision;
        }
    }

    public void Commit()
    {
        Flush();
        if (_lastSequence != _sequenceAtBegin)
        {
            Touch();
        }

        _commit.Run();
    }

    /// <summary>Writes what was gathered for the whole batch.</summary>
    public void Flush() => _rollup.Flush();

    public void Rollback()
    {
        ResetStatements();
        if (SQLitePCL.raw.sqlite3_get_autocommit(_connection.Handle!) == 0)
        {
            _rollback.Run();
        }

        _rollup.Forget();
        _budgetRevision = null;
    }

    /// <summary>
    /// Whether each operation is done on its own. A savepoint makes SQLite copy every page it touches, so a batch is first done without them; when one operation fails,
    /// all is undone and the batch done again, carefully.
    /// </summary>
    public bool IsCareful { get; private set; } = true;

    /// <summary>Does one thing; when <see cref="IsCareful"/> wholly or not at all, so that a bad operation fails alone.</summary>
    public T Attempt<T>(Func<LedgerBook, T> operation)
    {
        if (!IsCareful)
        {
            return operation(this);
        }

        var (sequence, hash) = (_lastSequence, _lastHash);
        _savepoint.Run();
        try
        {
            var result = operation(this);

            // A sum that no longer fits is the fault of this operation and of no other.
            _rollup.Flush();
            _release.Run();
            return result;
        }
        catch
        {
            ResetStatements();
            if (SQLitePCL.raw.sqlite3_get_autocommit(_connection.Handle!) == 0)
            {
                _rollbackTo.Run();
                _release.Run();
            }

            Forget();
            (_lastSequence, _lastHash) = (sequence, hash);
            throw;
        }
    }

    /// <summary>Books what died: each reservation past its deadline becomes a row at the amount that was held.</summary>
    public int ExpireDue()
    {
        var due = new List<(string Id, string Record)>();
        _due.Bind(1, Now).Bind(2, MaxExpiredAtOnce);
        while (_due.Step())
        {
            due.Add((_due.Text(0), _due.Text(1)));
        }

        foreach (var (id, record) in due)
        {
            var holds = Holds(id);
            var entry = ReservationRecord.Expired(id, record);
            Release(holds);
            _setState.Bind(1, id).Bind(2, "expired").Run();
            PostCall(Overruns(entry, holds) ? entry.WithFlag("overrun") : entry);
        }

        return due.Count;
    }

    /// <param name="request">What to hold.</param>
    /// <param name="recordText">The row that is booked should it expire, when the caller has written it already, on another thread than this busy one.</param>
    public ReservationOutcome Reserve(ReservationRequest request, string? recordText = null)
    {
        var id = request.Record.Id;
        var wanted = Merge(request.Holds);
        var state = StateOf(id);
        if (state == "pending")
        {
            return RepeatReservation(request, wanted);
        }

        if (state is not null || Exists(id))
        {
            throw new LlmCostException($"Conflict: the attempt '{id}' was {state ?? "posted"} before; a new attempt needs a new id.");
        }

        var balances = ImmutableArray.CreateBuilder<WindowBalance>(request.Holds.Length);
        var refusedBy = -1;
        foreach (var hold in request.Holds)
        {
            var (posted, pending) = FindOrCreate(hold.Window);
            balances.Add(new WindowBalance(hold.Window, hold.Window.Budget.Limit, Money.FromNanos(posted), Money.FromNanos(pending)));
            if (refusedBy < 0 && hold.Enforced && (Int128)posted + pending + hold.Amount.Nanos > hold.Window.Budget.Limit.Nanos)
            {
                refusedBy = balances.Count - 1;
            }
        }

        if (refusedBy >= 0)
        {
            return new ReservationOutcome(false, balances.MoveToImmutable(), refusedBy);
        }

        var dearest = wanted.Count == 0 ? 0 : wanted.Max(hold => hold.Amount);
        var now = Now;
        _insertReservation.Bind(1, id).Bind(2, request.Record.CallId ?? id).Bind(3, request.Record.Attempt).Bind(4, dearest).Bind(5, now)
            .Bind(6, LedgerTime.Micros(_time.GetUtcNow() + request.Timeout)).Bind(7, _owner).Bind(8, recordText ?? ReservationRecord.Write(request.Record, Money.FromNanos(dearest))).Run();
        foreach (var hold in wanted)
        {
            _hold.Bind(1, hold.Amount).Bind(2, hold.Budget).Bind(3, hold.Key).Bind(4, hold.StartsAt).Run();
            _insertHold.Bind(1, id).Bind(2, hold.Budget).Bind(3, hold.Key).Bind(4, hold.StartsAt).Bind(5, hold.Amount).Run();
        }

        return new ReservationOutcome(true, balances.MoveToImmutable());
    }

    public bool Void(string id)
    {
        var holds = Holds(id);
        if (_setState.Bind(1, id).Bind(2, "voided").Run() == 0)
        {
            return false;
        }

        Release(holds);
        _deleteHolds.Bind(1, id).Run();
        return true;
    }

    public bool Extend(string id, TimeSpan timeout) => _setDeadline.Bind(1, id).Bind(2, LedgerTime.Micros(_time.GetUtcNow() + timeout)).Run() > 0;

    /// <param name="record">The row.</param>
    /// <param name="repeated">Whether an earlier try of this very operation may have been committed: finding its row is then success.</param>
    public bool Append(UsageRecord record, bool repeated)
    {
        var state = StateOf(record.Id);
        if (state == "expired" && FindCall(record.Id) is { } call)
        {
            return SettleLate(call, record, repeated);
        }

        var entry = LedgerEntry.Of(record);
        if (state == "pending")
        {
            var holds = Holds(record.Id);
            Release(holds);
            _deleteHolds.Bind(1, record.Id).Run();
            _setState.Bind(1, record.Id).Bind(2, "posted").Run();
            entry = Overruns(entry, holds) ? entry.WithFlag("overrun") : entry;
        }

        // Whether the row is there already, its index says while it is written.
        return PostCall(entry) || repeated;
    }

    public bool Adjust(string adjustmentId, string recordId, CallCost cost, string usageSource)
    {
        if (Exists(adjustmentId))
        {
            return false;
        }

        var call = FindCall(recordId) ?? throw new LlmCostException($"The ledger holds no attempt '{recordId}' that could be adjusted.");
        var before = Folded(call);
        var priced = LedgerEntry.Of(before.ToRecord() with { Cost = cost, UsageSource = usageSource });
        var native = cost.Amount is not { } amount ? null : before.Currency == "USD" ? amount.Usd : before.FxRate is { } rate ? amount.Usd * rate : (decimal?)null;
        PostAdjustment(before, before.AdjustmentTo(priced with { NativeCost = native }, adjustmentId));
        return true;
    }

    public bool Configure(string zone, DayOfWeek weekStart, string currency, IReadOnlyList<Budget> budgets)
    {
        SetMeta("zone", zone);
        SetMeta("week_start", weekStart.ToString());
        SetMeta("currency", currency);
        var changed = false;
        foreach (var budget in budgets)
        {
            changed |= Remember(budget, overwrite: true);
        }

        if (changed)
        {
            AnnounceBudgets();
        }

        // What was posted has its row and what was voided is not asked for again; a week is longer than any call.
        var old = LedgerTime.Micros(_time.GetUtcNow() - TimeSpan.FromDays(7));
        _pruneHolds.Bind(1, old).Run();
        _prune.Bind(1, old).Run();
        return true;
    }

    /// <summary>Holds the counters against the rows and makes them right.</summary>
    /// <returns>How many were wrong.</returns>
    public int CheckCounters(ILogger logger)
    {
        _rollup.Flush();
        return new CounterCheck(_connection, _time, logger).Run();
    }

    /// <summary>Writes where the chain ends, so that a lost tail is noticed. Also gives a commit something to bring to the disk.</summary>
    public void Touch() => SetMeta("head", LedgerChain.HeadOf(_lastSequence, _lastHash));

    public void Dispose()
    {
        _rollup.Dispose();
        foreach (var statement in _statements)
        {
            statement.Dispose();
        }
    }

    private ReservationOutcome RepeatReservation(ReservationRequest request, List<StoredHold> wanted)
    {
        var held = Holds(request.Record.Id);
        if (held.Count != wanted.Count || wanted.Except(held).Any())
        {
            throw new LlmCostException($"Conflict: the attempt '{request.Record.Id}' is reserved already, with other amounts or for other budgets.");
        }

        var balances = request.Holds.Select(hold =>
        {
            var own = held.First(other => other.Budget == hold.Window.Budget.Id && other.Key == hold.Window.Key && other.StartsAt == LedgerTime.Micros(hold.Window.StartsAt));
            var (posted, pending) = FindOrCreate(hold.Window);
            return new WindowBalance(hold.Window, hold.Window.Budget.Limit, Money.FromNanos(posted), Money.FromNanos(pending - own.Amount));
        });
        return new ReservationOutcome(true, [.. balances]);
    }

    private bool SettleLate(LedgerEntry call, UsageRecord record, bool repeated)
    {
        var lateId = $"{record.Id}/late";
        if (Exists(lateId))
        {
            return repeated;
        }

        var holds = Holds(record.Id);
        var truth = LedgerEntry.Of(record).WithFlag("late");
        truth = Overruns(truth, holds) ? truth.WithFlag("overrun") : truth;
        var before = Folded(call);
        PostAdjustment(before, before.AdjustmentTo(truth, lateId));
        return true;
    }

    /// <returns>False when there is a row with this id: then nothing was posted.</returns>
    private bool PostCall(LedgerEntry entry)
    {
        if (!Insert(entry))
        {
            return false;
        }

        Post(entry);
        _rollup.Add(entry, 1);
        return true;
    }

    private void PostAdjustment(LedgerEntry before, LedgerEntry adjustment)
    {
        if (!Insert(adjustment))
        {
            throw new LlmCostException($"Conflict: the ledger has a row '{adjustment.Id}' already.");
        }

        Post(adjustment);
        _rollup.Add(before, -1);
        _rollup.Add(before.Plus(adjustment), 1);
    }

    /// <returns>False when there is a row with this id.</returns>
    private bool Insert(LedgerEntry entry)
    {
        var numbered = entry with { Sequence = _lastSequence + 1, RecordedAt = Now };
        var hash = numbered.Bind(_row, _lastHash);
        if (_insertEntry.Run() == 0)
        {
            return false;
        }

        (_lastSequence, _lastHash) = (numbered.Sequence, hash);
        return true;
    }

    /// <summary>Counts the amount in every window there is that the row belongs to, whether or not something was held in it.</summary>
    private void Post(LedgerEntry entry)
    {
        if (entry.BookedNanos == 0)
        {
            return;
        }

        foreach (var (id, budget) in _budgets)
        {
            if (budget.Scope.TryMatch(entry.Attribution, entry.RequestedModel, entry.ModelKey, out var key))
            {
                _post.Bind(1, entry.BookedNanos).Bind(2, id).Bind(3, key).Bind(4, entry.At).Run();
            }
        }
    }

    private (long Posted, long Pending) FindOrCreate(BudgetWindow window)
    {
        var budget = window.Budget.Id;
        var startsAt = LedgerTime.Micros(window.StartsAt);
        _window.Bind(1, budget).Bind(2, window.Key).Bind(3, startsAt);
        if (_window.Step())
        {
            var found = (_window.Int64(0), _window.Int64(1));
            _window.Reset();
            return found;
        }

        if (Remember(window.Budget, overwrite: false))
        {
            AnnounceBudgets();
        }

        // What this batch has added so far belongs to the sum.
        _rollup.Flush();
        var posted = WindowSeed.Sum(window, _seedFromRollup, _seedFromEntries, _seedFromSession);
        _insertWindow.Bind(1, budget).Bind(2, window.Key).Bind(3, startsAt).Bind(4, LedgerTime.Micros(window.EndsAt)).Bind(5, posted).Run();
        return (posted, 0);
    }

    private bool Remember(Budget budget, bool overwrite)
    {
        if (_budgets.TryGetValue(budget.Id, out var known)
            && (!overwrite || (known.Limit == budget.Limit && known.Mode == budget.Mode && known.FallbackModel == budget.FallbackModel)))
        {
            return false;
        }

        _upsertBudget.Bind(1, budget.Id).Bind(2, budget.Scope.ToString()).Bind(3, BudgetText.Word(budget.Period)).Bind(4, budget.GivenName)
            .Bind(5, budget.Limit.Nanos).Bind(6, BudgetText.Word(budget.Mode)).Bind(7, budget.FallbackModel).Run();
        _budgets[budget.Id] = budget;
        return true;
    }

    private void AnnounceBudgets()
    {
        _budgetRevision = (long.Parse(_budgetRevision!, CultureInfo.InvariantCulture) + 1).ToString(CultureInfo.InvariantCulture);
        SetMeta("budget_revision", _budgetRevision);
    }

    private void ReadBudgets()
    {
        _budgets.Clear();
        while (_selectBudgets.Step())
        {
            _budgets[_selectBudgets.Text(0)] = BudgetText.Read(
                _selectBudgets.Text(1), _selectBudgets.Text(2), _selectBudgets.NullableText(3), Money.FromNanos(_selectBudgets.Int64(4)), _selectBudgets.Text(5), _selectBudgets.NullableText(6));
        }
    }

    /// <summary>
    /// The chain goes on behind the end that the ledger noted. When rows at the end were lost or exchanged, the gap stays for everybody to see,
    /// and no later row takes the place of one that is gone.
    /// </summary>
    private void ReadTail()
    {
        (_lastSequence, _lastHash) = (0, new byte[32]);
        string? head = null;
        if (_tail.Step())
        {
            (_lastSequence, _lastHash) = (_tail.Int64(0), _tail.Bytes(1).ToArray());
            head = _tail.NullableText(2);
            _tail.Reset();
        }
        else if (_head.Step())
        {
            head = _head.Text(0);
            _head.Reset();
        }

        if (head is not null && LedgerChain.TryReadHead(head, out var noted, out var hash) && noted >= _lastSequence && noted > 0)
        {
            (_lastSequence, _lastHash) = (noted, hash);
        }
    }

    /// <summary>A statement that was left in the middle of its rows would stand in the way of the rollback.</summary>
    private void ResetStatements()
    {
        foreach (var statement in _statements)
        {
            statement.Reset();
        }
    }

    /// <summary>What was remembered since the savepoint is undone in the file, so it is read again.</summary>
    private void Forget()
    {
        _rollup.Forget();
        _budgetRevision = null;
        if (SQLitePCL.raw.sqlite3_get_autocommit(_connection.Handle!) == 0 && _revision.Step())
        {
            _budgetRevision = _revision.Text(0);
            _revision.Reset();
            ReadBudgets();
        }
    }

    private static List<StoredHold> Merge(ImmutableArray<Hold> holds) =>
        [.. from hold in holds
            group hold.Amount.Nanos by (hold.Window.Budget.Id, hold.Window.Key, StartsAt: LedgerTime.Micros(hold.Window.StartsAt)) into window
            select new StoredHold(window.Key.Id, window.Key.Key, window.Key.StartsAt, window.Max())];

    private List<StoredHold> Holds(string id)
    {
        var holds = new List<StoredHold>();
        _holds.Bind(1, id);
        while (_holds.Step())
        {
            holds.Add(new StoredHold(_holds.Text(0), _holds.Text(1), _holds.Int64(2), _holds.Int64(3)));
        }

        return holds;
    }

    private void Release(List<StoredHold> holds)
    {
        foreach (var hold in holds)
        {
            _unhold.Bind(1, hold.Amount).Bind(2, hold.Budget).Bind(3, hold.Key).Bind(4, hold.StartsAt).Run();
        }
    }

    private static bool Overruns(LedgerEntry entry, List<StoredHold> holds) => holds.Exists(hold => entry.BookedNanos > hold.Amount);

    private string? StateOf(string id)
    {
        _reservation.Bind(1, id);
        if (!_reservation.Step())
        {
            return null;
        }

        var state = _reservation.Text(0);
        _reservation.Reset();
        return state;
    }

    private bool Exists(string id)
    {
        var exists = _hasEntry.Bind(1, id).Step();
        _hasEntry.Reset();
        return exists;
    }

    private LedgerEntry? FindCall(string id)
    {
        _entryById.Bind(1, id);
        if (!_entryById.Step())
        {
            return null;
        }

        var entry = LedgerEntry.Read(_entryById);
        _entryById.Reset();
        return entry;
    }

    private LedgerEntry Folded(LedgerEntry call)
    {
        _adjustments.Bind(1, call.Sequence);
        while (_adjustments.Step())
        {
            call = call.Plus(LedgerEntry.Read(_adjustments));
        }

        return call;
    }

    private void SetMeta(string key, string value) => _setMeta.Bind(1, key).Bind(2, value).Run();

    private SqliteStatement Prepare(string sql)
    {
        var statement = new SqliteStatement(_connection, sql);
        _statements.Add(statement);
        return statement;
    }

    private readonly record struct StoredHold(string Budget, string Key, long StartsAt, long Amount);
}
