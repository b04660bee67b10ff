using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>Everything that moves money, inside the transaction that its caller began. Used by the writer thread only.</summary>
/// <remarks>
/// The dimensions' ids are remembered between transactions: they never change. Budgets and their windows have books of their own.
/// </remarks>
internal sealed partial class LedgerBook : IDisposable
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


    private readonly SqliteConnection _connection;
    private readonly TimeProvider _time;
    private readonly string _owner = string.Create(CultureInfo.InvariantCulture, $"{Environment.MachineName}/{Environment.ProcessId}");
    private readonly LedgerRowBinder _row;
    private readonly List<SqliteStatement> _statements = [];
    private readonly LedgerRollup _rollup;
    private readonly LedgerBudgets _budgets;
    private readonly LedgerWindows _windows;
    private readonly NoticeBook _notices;
    private readonly SqliteStatement _begin, _commit, _rollback, _savepoint, _release, _rollbackTo, _tail, _head, _setMeta;
    private readonly SqliteStatement _insertEntry, _hasEntry, _entryById, _adjustments;
    private readonly SqliteStatement _due, _windowEnd, _reservation, _insertReservation, _setState, _setDeadline, _prune, _pruneHolds;

    private long _lastSequence;
    private byte[] _lastHash = new byte[32];
    private long _sequenceAtBegin;

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
        _setMeta = Prepare("INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
        _insertEntry = Prepare($"INSERT INTO entry ({Columns}) VALUES ({string.Join(", ", Enumerable.Range(1, FirstColumns + LaterColumns.Length + 2).Select(i => "?" + i.ToString(CultureInfo.InvariantCulture)))}) ON CONFLICT (id) DO NOTHING");
        _row = new LedgerRowBinder(_insertEntry, FirstColumns + LaterColumns.Length + 2);
        _hasEntry = Prepare("SELECT 1 FROM entry WHERE id = ?1");
        _entryById = Prepare($"SELECT {Columns} FROM entry WHERE id = ?1");
        _adjustments = Prepare($"SELECT {Columns} FROM entry WHERE adjusts = ?1 ORDER BY seq");
        _windowEnd = Prepare("SELECT ends_at FROM budget_window WHERE budget_id = ?1 AND window_key = ?2 AND starts_at = ?3");
        _due = Prepare("SELECT id, record, call_id, attempt, amount_nanos, created_at FROM reservation WHERE state = 'pending' AND deadline <= ?1 ORDER BY deadline, id LIMIT ?2");
        _reservation = Prepare("SELECT state FROM reservation WHERE id = ?1");
        _insertReservation = Prepare("""
            INSERT INTO reservation (id, call_id, attempt, amount_nanos, state, created_at, deadline, owner, record)
            VALUES (?1, ?2, ?3, ?4, 'pending', ?5, ?6, ?7, ?8)
            """);
        _setState = Prepare("UPDATE reservation SET state = ?2, record = NULL WHERE id = ?1 AND state = 'pending'");
        _setDeadline = Prepare("UPDATE reservation SET deadline = max(deadline, ?2) WHERE id = ?1 AND state = 'pending'");
        _pruneHolds = Prepare("DELETE FROM hold WHERE reservation_id IN (SELECT id FROM reservation WHERE state IN ('posted', 'voided') AND created_at < ?1)");
        _prune = Prepare("DELETE FROM reservation WHERE state IN ('posted', 'voided') AND created_at < ?1");
        _budgets = new LedgerBudgets(Prepare, time);
        _notices = new NoticeBook(Prepare, time);
        _windows = new LedgerWindows(Prepare, _budgets, _notices, _rollup.Flush);
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
        _budgets.Refresh();
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
        _budgets.Forget();
        _notices.Undo(0);
    }

    /// <summary>The thresholds that the committed transaction crossed.</summary>
    public IReadOnlyList<BudgetCrossing> TakeCrossings() => _notices.Take();

    /// <summary>Counts a window from now on, also when nothing is held in it.</summary>
    public bool Open(BudgetWindow window)
    {
        _windows.Find(window, _owner);
        return true;
    }

    /// <summary>Whether a notice about a window is given for the first time, by any process.</summary>
    public bool Notice(BudgetWindow window, string notice) => _notices.Give(window, _budgets.LimitOf(window with { Budget = _budgets.Holding(window.Budget) }), notice);

    /// <summary>
    /// Whether each operation is done on its own. A savepoint makes SQLite copy every page it touches, so a batch is first done without them; when one operation fails,
    /// all is undone and the batch done again, carefully.
    /// </summary>
    public bool IsCareful { get; private set; } = true;

    /// <summary>Does one thing; when <see cref="IsCareful"/> wholly or not at all, so that a bad operation fails alone.</summary>
    public T Attempt<T>(Func<LedgerBook, T> operation) => IsCareful ? AttemptAlone(operation) : operation(this);

    /// <summary>Does one thing wholly or not at all.</summary>
    private T AttemptAlone<T>(Func<LedgerBook, T> operation)
    {
        // What others of the batch have gathered is theirs: it must not go when this one fails.
        _rollup.Flush();
        var (sequence, hash, notices) = (_lastSequence, _lastHash, _notices.Count);
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
            _notices.Undo(notices);
            (_lastSequence, _lastHash) = (sequence, hash);
            throw;
        }
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

        if (request.SettingsRevision is { } revision && revision != _budgets.Settings.Revision)
        {
            return new ReservationOutcome(false, []) { Newer = _budgets.Settings };
        }

        var balances = ImmutableArray.CreateBuilder<WindowBalance>(request.Holds.Length);
        var refusedBy = -1;
        foreach (var hold in request.Holds)
        {
            var balance = _windows.Find(hold.Window, _owner);
            // What takes nothing fits, also where a limit was lowered or exceeded.
            if (hold.Enforced && hold.Amount.Count > 0 && (Int128)balance.Spent.Count + balance.Reserved.Count + hold.Amount.Count > balance.Limit.Count)
            {
                refusedBy = refusedBy < 0 ? balances.Count : refusedBy;
                balance = balance with { FitsAt = _windows.FitsAt(hold, balance.Limit) };
            }

            balances.Add(balance);
        }

        if (refusedBy >= 0)
        {
            return new ReservationOutcome(false, balances.MoveToImmutable(), refusedBy);
        }

        var dearest = _windows.Most(wanted, BudgetUnit.Usd) ?? 0;
        var now = Now;
        _insertReservation.Bind(1, id).Bind(2, request.Record.CallId ?? id).Bind(3, request.Record.Attempt).Bind(4, dearest).Bind(5, now)
            .Bind(6, LedgerTime.Micros(_time.GetUtcNow() + request.Timeout)).Bind(7, _owner).Bind(8, recordText ?? ReservationRecord.Write(request.Record, Money.FromNanos(dearest))).Run();
        _windows.Hold(id, wanted);
        return new ReservationOutcome(true, balances.MoveToImmutable());
    }

    public bool Void(string id)
    {
        var holds = _windows.Holds(id);
        if (_setState.Bind(1, id).Bind(2, "voided").Run() == 0)
        {
            return false;
        }

        _windows.Release(holds);
        _windows.Drop(id);
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
            var holds = _windows.Holds(record.Id);
            _windows.Release(holds);
            _windows.Drop(record.Id);
            _setState.Bind(1, record.Id).Bind(2, "posted").Run();
            entry = IsUncounted(record) ? Held(entry, holds) : entry;
            entry = _windows.Overruns(entry, holds) ? entry.WithFlag("overrun") : entry;
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

    public bool Configure(string zone, DayOfWeek weekStart, int fiscalYearStart, string currency, IReadOnlyList<Budget> budgets)
    {
        SetMeta("zone", zone);
        SetMeta("week_start", weekStart.ToString());
        SetMeta("fiscal_year_start", fiscalYearStart.ToString(CultureInfo.InvariantCulture));
        SetMeta("currency", currency);
        _budgets.Configure(budgets, _owner);

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

    /// <summary>The limits and grants that were set at run time.</summary>
    public LedgerBudgets Budgets => _budgets;

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
        var held = _windows.Holds(request.Record.Id);
        if (held.Count != wanted.Count || wanted.Except(held).Any())
        {
            throw new LlmCostException($"Conflict: the attempt '{request.Record.Id}' is reserved already, with other amounts or for other budgets.");
        }

        var balances = request.Holds.Select(hold =>
        {
            var own = held.First(other => other.Budget == hold.Window.Budget.Id && other.Key == hold.Window.Key && other.StartsAt == LedgerTime.Micros(hold.Window.StartsAt));
            var balance = _windows.Find(hold.Window, _owner);
            return balance with { Reserved = BudgetAmount.Of(balance.Reserved.Unit, balance.Reserved.Count - own.Amount) };
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

        var holds = _windows.Holds(record.Id);
        var truth = LedgerEntry.Of(record).WithFlag("late");
        truth = IsUncounted(record) ? Held(truth, holds) : truth;
        truth = _windows.Overruns(truth, holds) ? truth.WithFlag("overrun") : truth;
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

        _windows.Post(entry);
        _rollup.Add(entry, 1);
        return true;
    }

    private void PostAdjustment(LedgerEntry before, LedgerEntry adjustment)
    {
        if (!Insert(adjustment))
        {
            throw new LlmCostException($"Conflict: the ledger has a row '{adjustment.Id}' already.");
        }

        _windows.Post(adjustment);
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

    /// <summary>Whether nobody knows what an attempt took, so that what was held for it is booked in every unit.</summary>
    private static bool IsUncounted(UsageRecord record) => record.Cost.Certainty != CostCertainty.Known
        && (record.UsageSource == "none"
            || (record.UsageSource == "estimate" && (record.Cost.Certainty == CostCertainty.Unknown || UsageFlags.Has(record.Flags, UsageFlags.HeldAmount))));

    /// <summary>A row of an attempt with what was held for it in tokens and requests, where that is more than it says.</summary>
    private LedgerEntry Held(LedgerEntry entry, List<StoredHold> holds)
    {
        var tokens = _windows.Most(holds, BudgetUnit.Tokens) ?? 0;
        var requests = _windows.Most(holds, BudgetUnit.Requests) ?? 0;
        return entry with
        {
            Usage = entry.Usage with
            {
                UncachedInputTokens = entry.Usage.UncachedInputTokens + Math.Max(0, tokens - entry.Usage.TotalTokens),
                Requests = Math.Max(entry.Usage.Requests, requests),
            },
        };
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
        _budgets.Forget();
        if (SQLitePCL.raw.sqlite3_get_autocommit(_connection.Handle!) == 0)
        {
            _budgets.Refresh();
        }
    }

    private static List<StoredHold> Merge(ImmutableArray<Hold> holds) =>
        [.. from hold in holds
            group hold.Amount.Count by (hold.Window.Budget.Id, hold.Window.Key, StartsAt: LedgerTime.Micros(hold.Window.StartsAt)) into window
            select new StoredHold(window.Key.Id, window.Key.Key, window.Key.StartsAt, window.Max())];

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
}
