namespace LlmCostCache.AI;

/// <summary>Where calls, budgets and reservations are kept. Everything that moves money is one transaction.</summary>
/// <remarks>
/// Writes complete after their commit and, once accepted, do not stop for the caller's cancellation: the token only ends the wait.
/// All failures of the store surface as <see cref="StoreUnavailableException"/>.
/// </remarks>
internal interface ILedgerStore : IAsyncDisposable
{
    /// <summary>Writes the zone, the week start, the currency of reports and the budgets given in code, so that other processes and the command line see them.</summary>
    ValueTask ConfigureAsync(TimeZoneInfo zone, DayOfWeek weekStart, IReadOnlyList<Budget> budgets, string currency = "USD", int fiscalYearStart = 1, CancellationToken cancellationToken = default);

    /// <summary>Holds every amount or none. The same id again gets the same answer and holds nothing twice.</summary>
    ValueTask<ReservationOutcome> ReserveAsync(ReservationRequest request, CancellationToken cancellationToken = default);

    /// <summary>Gives a reservation back: the attempt was certainly not billed. Harmless when it is not pending.</summary>
    ValueTask VoidAsync(string reservationId, CancellationToken cancellationToken = default);

    /// <summary>Moves the deadline of a pending reservation: the attempt is still alive.</summary>
    ValueTask ExtendAsync(string reservationId, TimeSpan timeout, CancellationToken cancellationToken = default);

    /// <summary>
    /// Writes the row of an attempt and, in the same transaction, posts its reservation (the one with the row's id, if any), counts it
    /// in every matching budget window and in the roll-up. When the reservation had expired, the difference is an adjustment row.
    /// A row with a known id is not written again.
    /// </summary>
    /// <returns>False when a row with this id was there already.</returns>
    ValueTask<bool> AppendAsync(UsageRecord record, CancellationToken cancellationToken = default);

    /// <summary>Writes the row in the background: for hits and refusals, which cost nothing. Bounded; drops the oldest when full.</summary>
    void AppendLater(UsageRecord record);

    /// <summary>Writes what became known later about an attempt; totals and exports fold it in.</summary>
    ValueTask AdjustAsync(string recordId, CallCost cost, string usageSource, CancellationToken cancellationToken = default);

    /// <summary>Waits until everything queued so far is on the disk.</summary>
    ValueTask FlushAsync(CancellationToken cancellationToken = default);

    /// <summary>Where the windows of the budgets stand now.</summary>
    ValueTask<IReadOnlyList<WindowBalance>> ReadBalancesAsync(CancellationToken cancellationToken = default);

    /// <summary>The limits and grants that were set at run time; null when they are those of a revision. Reads one number from the file when they are.</summary>
    BudgetSettings? SettingsAfter(long revision);

    /// <summary>Every budget that holds, with where its windows stand.</summary>
    IReadOnlyList<BudgetStanding> ReadStandings();

    /// <summary>Changes what is set at run time. Effective with the next reservation in every process, once this has completed.</summary>
    ValueTask<T> ChangeBudgetsAsync<T>(Func<LedgerBudgets, T> change, CancellationToken cancellationToken = default);

    /// <summary>Who changed which limit when, oldest first.</summary>
    IReadOnlyList<BudgetChange> ReadBudgetChanges();

    /// <summary>The folded rows (calls with their adjustments), in the order they were written.</summary>
    IAsyncEnumerable<UsageRecord> ReadAsync(LedgerFilter filter, CancellationToken cancellationToken = default);

    /// <summary>Sums over rows, grouped by up to two dimensions.</summary>
    ValueTask<IReadOnlyList<LedgerTotal>> TotalsAsync(LedgerDimension? by, LedgerDimension? thenBy, LedgerFilter filter, CancellationToken cancellationToken = default);

    /// <summary>At which rates amounts of other currencies were converted.</summary>
    ValueTask<IReadOnlyList<LedgerConversion>> ConversionsAsync(LedgerFilter filter, CancellationToken cancellationToken = default);

    /// <summary>Checks sequence, hash chain and counters.</summary>
    ValueTask<LedgerVerification> VerifyAsync(CancellationToken cancellationToken = default);
}
