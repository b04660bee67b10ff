using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>Everything that moves money, inside the transaction that its caller began. Used by whoever writes, one at a time.</summary>
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
    private readonly List<SqliteStatement> _statements = [];
    private readonly LedgerRows _rows;
    private readonly LedgerRollup _rollup;
    private readonly LedgerBudgets _budgets;
    private readonly LedgerWindows _windows;
    private readonly LedgerReservations _reservations;
    private readonly NoticeBook _notices;
    private readonly SqliteStatement _begin, _commit, _rollback, _savepoint, _release, _rollbackTo, _setMeta, _windowEnd;

    public LedgerBook(SqliteConnection connection, TimeProvider time)
    {
        _connection = connection;
        _time = time;
        _rows = new LedgerRows(Prepare, new LedgerArchiveBook(connection, Prepare));
        _rollup = new LedgerRollup(connection);
        _begin = Prepare("BEGIN IMMEDIATE");
        _commit = Prepare("COMMIT");
        _rollback = Prepare("ROLLBACK");
        _savepoint = Prepare("SAVEPOINT operation");
        _release = Prepare("RELEASE operation");
        _rollbackTo = Prepare("ROLLBACK TO operation");
        _setMeta = Prepare("INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value");
        _windowEnd = Prepare("SELECT ends_at FROM budget_window WHERE budget_id = ?1 AND window_key = ?2 AND starts_at = ?3");
        _budgets = new LedgerBudgets(Prepare, time);
        _notices = new NoticeBook(Prepare, time);
        _windows = new LedgerWindows(Prepare, _budgets, _notices, _rollup.Flush);
        _reservations = new LedgerReservations(Prepare, _owner);
    }

    private long Now => LedgerTime.Micros(_time.GetUtcNow());

    /// <summary>Waits for the file's only write lock, at most five seconds.</summary>
    /// <param name="careful">What <see cref="IsCareful"/> will be until the transaction ends.</param>
    public void Begin(bool careful = true)
    {
        IsCareful = careful;
        _begin.Run();
        _windows.Forget();
        _rows.Begin();
        if (_budgets.Refresh())
        {
            // A repair announces itself in the same way, and may have taken away names that were remembered.
            _rollup.Forget();
        }

        _reservations.Begin();
        _notices.Resolve();
    }

    public void Commit()
    {
        Flush();
        if (_rows.HasGrown)
        {
            _rows.NoteEnd();
        }

        _commit.Run();
    }

    /// <summary>Writes what was gathered for the whole batch.</summary>
    public void Flush()
    {
        _windows.Flush();
        _rollup.Flush();
    }

    public void Rollback()
    {
        try
        {
            ResetStatements();
            if (SQLitePCL.raw.sqlite3_get_autocommit(_connection.Handle!) == 0)
            {
                _rollback.Run();
            }
        }
        finally
        {
            // Also when SQLite cannot undo it now: what was gathered must not enter the sums with the next transaction.
            _rollup.Forget();
            _windows.Forget();
            _reservations.Forget();
            _budgets.Forget();
            _notices.Undo(0);
        }
    }

    /// <summary>The thresholds that the committed transaction crossed.</summary>
    public IReadOnlyList<BudgetCrossing> TakeCrossings() => _notices.Take();

    /// <summary>Nobody knows whether the transaction of another book, or of this one, was committed: what it noticed is told once the file says that it was.</summary>
    public void Doubt(LedgerBook failed) => _notices.Doubt(failed._notices);

    /// <summary>Counts a window from now on, also when nothing is held in it.</summary>
    public bool Open(BudgetWindow window, ImmutableArray<EarlierSums> earlier = default)
    {
        _windows.Find(window, _owner, earlier);
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
        Flush();
        var (end, notices) = (_rows.End, _notices.Count);
        _savepoint.Run();
        try
        {
            var result = operation(this);

            // A sum that no longer fits is the fault of this operation and of no other.
            Flush();
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
            _rows.End = end;
            throw;
        }
    }

    public bool Configure(string zone, DayOfWeek weekStart, int fiscalYearStart, string currency, IReadOnlyList<Budget> budgets)
    {
        SetMeta("zone", zone);
        SetMeta("week_start", weekStart.ToString());
        SetMeta("fiscal_year_start", fiscalYearStart.ToString(CultureInfo.InvariantCulture));
        SetMeta("currency", currency);
        _budgets.Configure(budgets, _owner);

        // What was voided is not asked for again; a week is longer than any call.
        var old = LedgerTime.Micros(_time.GetUtcNow() - TimeSpan.FromDays(7));
        _reservations.Prune(old);
        return true;
    }

    /// <summary>Holds the counters against the rows and makes them right.</summary>
    /// <returns>How many were wrong.</returns>
    public int CheckCounters(ILogger logger)
    {
        Flush();
        _windows.Forget();
        return new CounterCheck(_connection, _time, logger).Run();
    }

    /// <summary>The limits and grants that were set at run time.</summary>
    public LedgerBudgets Budgets => _budgets;

    public void Dispose()
    {
        _rollup.Dispose();
        _rows.Archive.Dispose();
        foreach (var statement in _statements)
        {
            statement.Dispose();
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
        _windows.Forget();
        _reservations.Forget();
        _budgets.Forget();
        if (SQLitePCL.raw.sqlite3_get_autocommit(_connection.Handle!) == 0)
        {
            _budgets.Refresh();
        }
    }

    private void SetMeta(string key, string value) => _setMeta.Bind(1, key).Bind(2, value).Run();

    private SqliteStatement Prepare(string sql)
    {
        var statement = new SqliteStatement(_connection, sql);
        _statements.Add(statement);
        return statement;
    }
}
