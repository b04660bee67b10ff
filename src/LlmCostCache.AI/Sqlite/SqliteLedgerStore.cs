using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>The ledger in the file <c>ledger.db</c> of a home directory, shared by any number of processes on one machine.</summary>
internal sealed class SqliteLedgerStore : ILedgerStore
{
    private const int MaxIdLength = 255;

    private readonly LedgerWriter? _writer;
    private readonly LedgerReader _reader;
    private readonly string _path;

    private readonly ILogger _logger;

    private SqliteLedgerStore(string path, LedgerWriter? writer, LedgerReader reader, ILogger logger)
    {
        _logger = logger;
        _path = path;
        _writer = writer;
        _reader = reader;
    }

    /// <summary>Rows of <see cref="AppendLater"/> that were lost because too many were waiting.</summary>
    public long DroppedRecords => Writer.Dropped;

    /// <summary>Tells somebody how many were lost since the last time; called on the writer's thread.</summary>
    public void WhenRowsAreDropped(Action<long> tell) => Writer.RowsDropped = tell;

    /// <summary>The zone and the week start that totals by hour, day, week and month follow. Windows of budgets keep the configured ones: read them before changing this.</summary>
    public LedgerCalendar Calendar
    {
        get => _reader.Calendar;
        set => _reader.Calendar = value;
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

    internal static SqliteLedgerStore Open(string homeDirectory, LlmCostsOptions options, ILogger logger, bool neverSync)
    {
        var path = LedgerFile.PathIn(homeDirectory);
        var connection = LedgerFile.OpenForWriting(path, options.TimeProvider);
        var reader = new LedgerReader(path, options.TimeProvider, new LedgerCalendar(options.TimeZone, options.WeekStart, options.FiscalYearStart));
        return new SqliteLedgerStore(path, new LedgerWriter(path, connection, options.TimeProvider, logger, neverSync), reader, logger);
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
        _reader.Calendar = new LedgerCalendar(zone, weekStart, fiscalYearStart);
        await Writer.RunAsync((book, _) => book.CheckCounters(_logger), durable: false, reserves: false, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask<ReservationOutcome> ReserveAsync(ReservationRequest request, CancellationToken cancellationToken = default)
    {
        Check(request.Record.Id);
        Check(request);
        var dearest = request.Holds.Where(static hold => hold.Window.Budget.Unit == BudgetUnit.Usd).Select(static hold => hold.Amount.Count).DefaultIfEmpty(0).Max();
        var text = ReservationRecord.Write(request.Record, Money.FromNanos(dearest));
        return Writer.RunAsync((book, _) => book.Reserve(request, text), request.Durable, reserves: true, cancellationToken);
    }

    public async ValueTask VoidAsync(string reservationId, CancellationToken cancellationToken = default) =>
        await Writer.RunAsync((book, _) => book.Void(reservationId), durable: false, reserves: false, cancellationToken).ConfigureAwait(false);

    public async ValueTask ExtendAsync(string reservationId, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        await Writer.RunAsync((book, _) => book.Extend(reservationId, timeout), durable: false, reserves: false, cancellationToken).ConfigureAwait(false);
    }

    public ValueTask<bool> AppendAsync(UsageRecord record, CancellationToken cancellationToken = default)
    {
        Check(record);
        return Writer.RunAsync((book, repeated) => book.Append(record, repeated), durable: true, reserves: false, cancellationToken);
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

    public async ValueTask OpenWindowAsync(BudgetWindow window, CancellationToken cancellationToken = default) =>
        await Writer.RunAsync((book, _) => book.Open(window), durable: false, reserves: false, cancellationToken).ConfigureAwait(false);

    public ValueTask<bool> NoticeAsync(BudgetWindow window, string notice, CancellationToken cancellationToken = default) =>
        Writer.RunAsync((book, _) => book.Notice(window, notice), durable: false, reserves: false, cancellationToken);

    public async ValueTask FlushAsync(CancellationToken cancellationToken = default) =>
        await Writer.RunAsync((_, _) => true, durable: true, reserves: false, cancellationToken, flushes: true).ConfigureAwait(false);

    public ValueTask<IReadOnlyList<WindowBalance>> ReadBalancesAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(_reader.Balances());
    }

    public BudgetSettings? SettingsAfter(long revision) => _reader.SettingsAfter(revision);

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
        ArgumentOutOfRangeException.ThrowIfLessThan(record.Latency, TimeSpan.Zero, nameof(record));
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
