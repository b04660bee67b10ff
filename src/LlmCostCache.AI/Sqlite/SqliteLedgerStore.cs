using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>The ledger in the file <c>ledger.db</c> of a home directory, shared by any number of processes on one machine.</summary>
internal sealed partial class SqliteLedgerStore : ILedgerStore
{
    private const int MaxIdLength = 255;

    private readonly LedgerWriter? _writer;
    private readonly LedgerReader _reader;
    private readonly LimitRevision _limits;
    private readonly SeedsAhead _seeds;
    private readonly string _path;

    private readonly ILogger _logger;

    private SqliteLedgerStore(string path, LedgerWriter? writer, LedgerReader reader, ILogger logger)
    {
        _logger = logger;
        _path = path;
        _writer = writer;
        _reader = reader;
        _limits = new LimitRevision(path);
        _seeds = new SeedsAhead(reader.AtOnce);
    }

    /// <summary>Rows of <see cref="AppendLater"/> that were lost because too many were waiting.</summary>
    public long DroppedRecords => Writer.Dropped;

    /// <summary>Tells somebody how many were lost since the last time; called by whoever writes, so that it must only take the number.</summary>
    public void WhenRowsAreDropped(Action<long> tell) => Writer.RowsDropped = tell;

    /// <summary>The zone and the week start that totals by hour, day, week and month follow. Windows of budgets keep the configured ones: read them before changing this.</summary>
    public LedgerCalendar Calendar
    {
        get => _reader.Calendar;
        set => _reader.Calendar = value;
    }

    /// <inheritdoc cref="LedgerReader.RowsRead"/>
    public Action<int>? RowsRead
    {
        get => _reader.RowsRead;
        set => _reader.RowsRead = value;
    }

    /// <summary>The currency that its writer wants reports to show beside US dollars.</summary>
    public string ReportCurrency => _reader.ReportCurrency;

    public Action<IReadOnlyList<BudgetCrossing>>? Crossed
    {
        get => _writer?.Crossed;
        set => Writer.Crossed = value;
    }

    private LedgerWriter Writer => _writer ?? throw new InvalidOperationException($"The ledger '{_path}' was opened for reading.");

    /// <summary>Opens the ledger, making directory and file when they are missing.</summary>
    /// <exception cref="StoreUnavailableException">It cannot be used; the message says why and what now.</exception>
    public static SqliteLedgerStore Open(string homeDirectory, LlmCostsOptions options, ILogger logger) => Open(homeDirectory, options, logger, neverSync: false);

    /// <param name="homeDirectory">The directory.</param>
    /// <param name="options">The clock and the calendar.</param>
    /// <param name="logger">Hears of failures.</param>
    /// <param name="neverSync">Whether no commit waits for the disk.</param>
    /// <param name="progress">Hears what is done to bring an older ledger up to date; null for the logger.</param>
    internal static SqliteLedgerStore Open(string homeDirectory, LlmCostsOptions options, ILogger logger, bool neverSync, Action<string>? progress = null)
    {
        var path = LedgerFile.PathIn(homeDirectory);
        var connection = LedgerFile.OpenForWriting(path, options.TimeProvider, progress: progress ?? logger.LedgerUpdated);
        var reader = new LedgerReader(path, options.TimeProvider, new LedgerCalendar(options.TimeZone, options.WeekStart, options.FiscalYearStart));
        try
        {
            return new SqliteLedgerStore(path, new LedgerWriter(path, connection, options.TimeProvider, logger, neverSync), reader, logger);
        }
        catch (SqliteException error)
        {
            connection.Dispose();
            throw SqliteFailure.Unavailable(path, error);
        }
    }

    /// <summary>Opens the ledger for reports, beside whoever writes it; zone and week start are those that its writer configured.</summary>
    /// <exception cref="StoreUnavailableException">There is no ledger in this home directory, or it cannot be used.</exception>
    public static SqliteLedgerStore OpenReader(string homeDirectory, TimeProvider time)
    {
        var path = LedgerFile.PathIn(homeDirectory);
        return new SqliteLedgerStore(path, null, LedgerReader.Open(path, time), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
    }

    /// <summary>Whether there is a ledger in this home directory.</summary>
    public static bool Exists(string homeDirectory) => File.Exists(LedgerFile.PathIn(homeDirectory));

    public async ValueTask ConfigureAsync(TimeZoneInfo zone, DayOfWeek weekStart, IReadOnlyList<Budget> budgets, string currency = "USD", int fiscalYearStart = 1, CancellationToken cancellationToken = default)
    {
        await Writer.RunAsync((book, _) => book.Configure(zone.Id, weekStart, fiscalYearStart, currency, budgets), durable: true, reserves: false, cancellationToken).ConfigureAwait(false);
        (_reader.Calendar, _reader.Given) = (new LedgerCalendar(zone, weekStart, fiscalYearStart), budgets.Select(budget => budget.Id).ToHashSet(StringComparer.Ordinal));

        // A process that begins also books what one that died had held: the next call may be long in coming.
        await Writer.RunAsync((book, _) => book.CheckCounters(_logger), durable: false, reserves: true, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask<ReservationOutcome> ReserveAsync(ReservationRequest request, CancellationToken cancellationToken = default)
    {
        Check(request.Record.Id);
        Check(request);
        var texts = ReservationTexts.Of(request);
        return _seeds.Wants(request.Holds)
            ? ReserveInNewWindowsAsync(request, texts, cancellationToken)
            : Writer.RunAsync((book, _) => book.Reserve(request, texts), request.Durable, reserves: true, cancellationToken, brief: true);
    }

    private async ValueTask<ReservationOutcome> ReserveInNewWindowsAsync(ReservationRequest request, ReservationTexts texts, CancellationToken cancellationToken)
    {
        var windows = request.Holds.Select(static hold => hold.Window).ToList();
        var earlier = request with { Earlier = await _seeds.ReadAsync(windows, cancellationToken).ConfigureAwait(false) };
        var outcome = await Writer.RunAsync((book, _) => book.Reserve(earlier, texts), request.Durable, reserves: true, cancellationToken).ConfigureAwait(false);
        if (outcome.Newer is null)
        {
            _seeds.Opened(windows);
        }

        return outcome;
    }

    public async ValueTask VoidAsync(string reservationId, CancellationToken cancellationToken = default) =>
        await Writer.RunAsync((book, _) => book.Void(reservationId), durable: false, reserves: false, cancellationToken, brief: true).ConfigureAwait(false);

    public async ValueTask ExtendAsync(string reservationId, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        await Writer.RunAsync((book, _) => book.Extend(reservationId, timeout), durable: false, reserves: false, cancellationToken, brief: true).ConfigureAwait(false);
    }

    public ValueTask<bool> AppendAsync(UsageRecord record, CancellationToken cancellationToken = default)
    {
        Check(record);
        return Writer.RunAsync((book, repeated) => book.Append(record, repeated), durable: true, reserves: false, cancellationToken, brief: true);
    }

    public void AppendLater(UsageRecord record)
    {
        Check(record);
        Writer.Later(record);
    }

    public async ValueTask AdjustAsync(string recordId, CallCost cost, string usageSource, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(usageSource);
        Check(cost);
        var adjustmentId = $"{recordId}/{Guid.CreateVersion7():N}";
        await Writer.RunAsync((book, _) => book.Adjust(adjustmentId, recordId, cost, usageSource), durable: true, reserves: false, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask OpenWindowAsync(BudgetWindow window, CancellationToken cancellationToken = default)
    {
        var earlier = await _seeds.ReadAsync([window], cancellationToken).ConfigureAwait(false);
        await Writer.RunAsync((book, _) => book.Open(window, earlier), durable: false, reserves: false, cancellationToken).ConfigureAwait(false);
        _seeds.Opened([window]);
    }

    public ValueTask<bool> NoticeAsync(BudgetWindow window, string notice, CancellationToken cancellationToken = default) =>
        Writer.RunAsync((book, _) => book.Notice(window, notice), durable: false, reserves: false, cancellationToken);

    public async ValueTask FlushAsync(CancellationToken cancellationToken = default) =>
        await Writer.RunAsync((_, _) => true, durable: true, reserves: false, cancellationToken, flushes: true).ConfigureAwait(false);

    public ValueTask<IReadOnlyList<WindowBalance>> ReadBalancesAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(_reader.Balances());
    }

    public BudgetSettings? SettingsAfter(long revision) => _limits.Read() == revision ? null : _reader.SettingsAfter(revision);

    public IReadOnlyList<BudgetStanding> ReadStandings() => _reader.Standings();

    public ValueTask<T> ChangeBudgetsAsync<T>(Func<LedgerBudgets, T> change, CancellationToken cancellationToken = default) =>
        Writer.RunAsync((book, _) => change(book.Budgets), durable: true, reserves: false, cancellationToken);

    public IReadOnlyList<BudgetChange> ReadBudgetChanges() => _reader.Changes();

    public SpendHistory ReadHistory(BudgetWindow window, DateTimeOffset now) => _reader.History(window, now);

    public async IAsyncEnumerable<UsageRecord> ReadAsync(LedgerFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        LedgerPage? page = null;
        while (page is not { IsLast: true })
        {
            cancellationToken.ThrowIfCancellationRequested();
            page = _reader.Page(filter, page);
            foreach (var entry in page.Entries)
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return entry.ToRecord();
            }

            await Task.CompletedTask.ConfigureAwait(false);
        }
    }

    public ValueTask<IReadOnlyList<LedgerTotal>> TotalsAsync(LedgerDimension? by, LedgerDimension? thenBy, LedgerFilter filter, CancellationToken cancellationToken = default) =>
        new(_reader.Totals(by, thenBy, filter, cancellationToken));

    public ValueTask<IReadOnlyList<LedgerConversion>> ConversionsAsync(LedgerFilter filter, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(_reader.Conversions(filter));
    }

    public ValueTask<LedgerVerification> VerifyAsync(CancellationToken cancellationToken = default) => new(_reader.Verify(null, cancellationToken));

    /// <summary>The same, and that the chain still leads through an end that was noted earlier (<see cref="LedgerVerification.Head"/>).</summary>
    public LedgerVerification VerifySince(string earlierHead, CancellationToken cancellationToken = default) => _reader.Verify(earlierHead, cancellationToken);

    /// <summary>Writes what is waiting, empties the write-ahead log and closes.</summary>
    public async ValueTask DisposeAsync()
    {
        // Readers first: only the last connection to close folds the write-ahead log into the file and takes its helpers away.
        _limits.Dispose();
        _reader.Dispose();
        if (_writer is not null)
        {
            await _writer.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static void Check(ReservationRequest request)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(request.Timeout, TimeSpan.Zero, nameof(request));
        foreach (var hold in request.Holds)
        {
            if (hold.Window.Budget.Period == BudgetPeriod.PerCall)
            {
                throw new ArgumentException("A budget for each call has no window to hold an amount in.", nameof(request));
            }

            if (hold.Amount.Count < 0 || hold.Amount.Unit != hold.Window.Budget.Unit || hold.Window.StartsAt >= hold.Window.EndsAt)
            {
                throw new ArgumentException(
                    $"A hold needs an amount in the unit of its budget that is not negative and a window that ends after it starts; "
                    + $"this one is {hold.Amount} from {hold.Window.StartsAt:O} to {hold.Window.EndsAt:O}.", nameof(request));
            }
        }
    }

    private static void Check(UsageRecord record)
    {
        Check(record.Id);
        ArgumentException.ThrowIfNullOrEmpty(record.Operation, nameof(record));
        ArgumentException.ThrowIfNullOrEmpty(record.Currency, nameof(record));
        ArgumentException.ThrowIfNullOrEmpty(record.UsageSource, nameof(record));
        ArgumentNullException.ThrowIfNull(record.Attribution, nameof(record));
        ArgumentOutOfRangeException.ThrowIfLessThan(record.Latency, TimeSpan.Zero, nameof(record));
        if (!Enum.IsDefined(record.Status))
        {
            // As from the spool of a later version, which knows more of them.
            throw new ArgumentException($"'{record.Status}' is no status that this version knows.", nameof(record));
        }

        Check(record.Cost);
    }

    private static void Check(string id)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(id);
        if (id.Length > MaxIdLength || id.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException($"An attempt's id may have {MaxIdLength} characters, none of them a zero.", nameof(id));
        }
    }

    private static void Check(CallCost cost)
    {
        TokenBuckets.RequirePossible(cost.Usage, nameof(cost));
        if (!Enum.IsDefined(cost.Certainty) || !Enum.IsDefined(cost.CacheLayer))
        {
            throw new ArgumentException($"'{cost.Certainty}' or '{cost.CacheLayer}' is no word that this version knows.", nameof(cost));
        }

        var known = cost.Certainty != CostCertainty.Unknown;
        if (known != cost.Amount is not null)
        {
            throw new ArgumentException("A cost has an amount unless it is unknown.", nameof(cost));
        }

        // What was saved may be below zero: a row of what a cache spent takes it off.
        if (known && (cost.Low < Money.Zero || cost.Low > cost.Amount || cost.Amount > cost.High))
        {
            throw new ArgumentException("A cost is not negative and lies between its lower and its upper end.", nameof(cost));
        }
    }
}
