namespace LlmCostCache.AI;

/// <summary>Where budgets stand, and where they are heading.</summary>
internal sealed class BudgetStatusReader(ILedgerStore store, TimeProvider time, TimeZoneInfo zone)
{
    public async ValueTask<IReadOnlyList<BudgetStatus>> ReadAsync(bool projections, CancellationToken cancellationToken)
    {
        var balances = await store.ReadBalancesAsync(cancellationToken).ConfigureAwait(false);
        return [.. balances.Select(balance => projections ? WithProjection(balance, cancellationToken) : Of(balance))];
    }

    public BudgetStatus WithProjection(WindowBalance balance, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var now = time.GetUtcNow();
        var unit = balance.Window.Budget.Unit;
        var history = store.ReadHistory(balance.Window, now);
        var endsAt = balance.Window.Budget.Period == BudgetPeriod.Rolling ? DateTimeOffset.MaxValue : balance.Window.EndsAt;
        var (count, basis) = BudgetProjection.Of(balance.Spent.Count, history, endsAt, now, zone);
        return Of(balance) with
        {
            HourlyRate = BudgetAmount.Of(unit, history.LastHour),
            Projected = count is { } projected ? BudgetAmount.Of(unit, projected) : null,
            ProjectionBasis = basis,
        };
    }

    private static BudgetStatus Of(WindowBalance balance)
    {
        var isRolling = balance.Window.Budget.Period == BudgetPeriod.Rolling;
        return new BudgetStatus
        {
            Budget = balance.Window.Budget,
            Key = balance.Window.Key,
            StartsAt = isRolling || balance.Window.StartsAt == DateTimeOffset.MinValue ? null : balance.Window.StartsAt,
            ResetsAt = isRolling || balance.Window.EndsAt == DateTimeOffset.MaxValue ? null : balance.Window.EndsAt,
            Limit = balance.Limit,
            Spent = balance.Spent,
            Reserved = balance.Reserved,
        };
    }
}
