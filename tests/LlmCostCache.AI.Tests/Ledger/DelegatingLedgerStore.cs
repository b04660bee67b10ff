namespace LlmCostCache.AI.Tests;

/// <summary>A store in front of another one; tests override what is to go wrong.</summary>
internal abstract class DelegatingLedgerStore(ILedgerStore inner) : ILedgerStore
{
    public ValueTask ConfigureAsync(TimeZoneInfo zone, DayOfWeek weekStart, IReadOnlyList<Budget> budgets, string currency = "USD", int fiscalYearStart = 1, CancellationToken cancellationToken = default) =>
        inner.ConfigureAsync(zone, weekStart, budgets, currency, fiscalYearStart, cancellationToken);

    public virtual ValueTask<ReservationOutcome> ReserveAsync(ReservationRequest request, CancellationToken cancellationToken = default) => inner.ReserveAsync(request, cancellationToken);

    public virtual ValueTask VoidAsync(string reservationId, CancellationToken cancellationToken = default) => inner.VoidAsync(reservationId, cancellationToken);

    public virtual ValueTask ExtendAsync(string reservationId, TimeSpan timeout, CancellationToken cancellationToken = default) => inner.ExtendAsync(reservationId, timeout, cancellationToken);

    public virtual ValueTask<bool> AppendAsync(UsageRecord record, CancellationToken cancellationToken = default) => inner.AppendAsync(record, cancellationToken);

    public void AppendLater(UsageRecord record) => inner.AppendLater(record);

    public virtual ValueTask AdjustAsync(string recordId, CallCost cost, string usageSource, CancellationToken cancellationToken = default) => inner.AdjustAsync(recordId, cost, usageSource, cancellationToken);

    public ValueTask FlushAsync(CancellationToken cancellationToken = default) => inner.FlushAsync(cancellationToken);

    public ValueTask<IReadOnlyList<WindowBalance>> ReadBalancesAsync(CancellationToken cancellationToken = default) => inner.ReadBalancesAsync(cancellationToken);

    public Action<IReadOnlyList<BudgetCrossing>>? Crossed
    {
        get => inner.Crossed;
        set => inner.Crossed = value;
    }

    public virtual ValueTask OpenWindowAsync(BudgetWindow window, CancellationToken cancellationToken = default) => inner.OpenWindowAsync(window, cancellationToken);

    public virtual ValueTask<bool> NoticeAsync(BudgetWindow window, string notice, CancellationToken cancellationToken = default) => inner.NoticeAsync(window, notice, cancellationToken);

    public SpendHistory ReadHistory(BudgetWindow window, DateTimeOffset now) => inner.ReadHistory(window, now);

    public BudgetSettings? SettingsAfter(long revision) => inner.SettingsAfter(revision);

    public IReadOnlyList<BudgetStanding> ReadStandings() => inner.ReadStandings();

    public ValueTask<T> ChangeBudgetsAsync<T>(Func<LedgerBudgets, T> change, CancellationToken cancellationToken = default) => inner.ChangeBudgetsAsync(change, cancellationToken);

    public IReadOnlyList<BudgetChange> ReadBudgetChanges() => inner.ReadBudgetChanges();

    public IAsyncEnumerable<UsageRecord> ReadAsync(LedgerFilter filter, CancellationToken cancellationToken = default) => inner.ReadAsync(filter, cancellationToken);

    public ValueTask<IReadOnlyList<LedgerTotal>> TotalsAsync(LedgerDimension? by, LedgerDimension? thenBy, LedgerFilter filter, CancellationToken cancellationToken = default) =>
        inner.TotalsAsync(by, thenBy, filter, cancellationToken);

    public ValueTask<IReadOnlyList<LedgerConversion>> ConversionsAsync(LedgerFilter filter, CancellationToken cancellationToken = default) => inner.ConversionsAsync(filter, cancellationToken);

    public ValueTask<LedgerVerification> VerifyAsync(CancellationToken cancellationToken = default) => inner.VerifyAsync(cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
