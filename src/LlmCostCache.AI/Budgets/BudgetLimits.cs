namespace LlmCostCache.AI;

/// <summary>
/// Limits that are set while applications run, stored in the ledger: each is effective with the next reservation in every process that shares it. A limit set here is stronger than the one that
/// the same budget (by scope, period, unit and name) has in code or configuration. Removing one never loses what was spent; setting it again takes that over.
/// </summary>
public sealed class BudgetLimits
{
    private readonly ILedgerStore _store;
    private readonly TimeProvider _time;

    internal BudgetLimits(ILedgerStore store, TimeProvider time) => (_store, _time) = (store, time);

    /// <summary>Sets the limit, the mode and the fallback of a budget, and when it is announced if <see cref="Budget.NotifyAt"/> says so; else that stays as it is.</summary>
    /// <param name="budget">The budget with its new limit.</param>
    /// <param name="note">Why, for the history.</param>
    /// <param name="by">Who, for the history; the name of the operating system's user when null.</param>
    /// <param name="cancellationToken">Ends the wait, not the change.</param>
    /// <returns>What was allowed before; null when nothing was.</returns>
    /// <exception cref="StoreUnavailableException">The ledger cannot be written.</exception>
    public ValueTask<BudgetAmount?> SetAsync(Budget budget, string? note = null, string? by = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(budget);
        var (who, request) = (by ?? Environment.UserName, NewRequest());
        return _store.ChangeBudgetsAsync(budgets => budgets.Set(budget, who, note, request), cancellationToken);
    }

    /// <summary>Takes a limit away that was set at run time; the one in code, if there is one, holds again. The limit of the given budget does not matter.</summary>
    /// <param name="budget">The budget, by scope, period, unit and name.</param>
    /// <param name="note">Why, for the history.</param>
    /// <param name="by">Who, for the history; the name of the operating system's user when null.</param>
    /// <param name="cancellationToken">Ends the wait, not the change.</param>
    /// <returns>False when none was set at run time.</returns>
    /// <exception cref="StoreUnavailableException">The ledger cannot be written.</exception>
    public ValueTask<bool> RemoveAsync(Budget budget, string? note = null, string? by = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(budget);
        var (who, request) = (by ?? Environment.UserName, NewRequest());
        return _store.ChangeBudgetsAsync(budgets => budgets.Remove(budget, who, note, request), cancellationToken);
    }

    /// <summary>
    /// Takes a budget off the list that code or configuration gave and no application gives any more (see <see cref="BudgetStanding.LastGivenAt"/>). An application that still gives it keeps to it,
    /// and puts it back when it starts next. What was spent goes on being counted. A limit that was set at run time stays.
    /// </summary>
    /// <param name="budget">The budget, by scope, period, unit and name.</param>
    /// <param name="note">Why, for the history.</param>
    /// <param name="by">Who, for the history; the name of the operating system's user when null.</param>
    /// <param name="cancellationToken">Ends the wait, not the change.</param>
    /// <returns>False when code gives no such budget.</returns>
    /// <exception cref="StoreUnavailableException">The ledger cannot be written.</exception>
    public ValueTask<bool> ForgetAsync(Budget budget, string? note = null, string? by = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(budget);
        var (who, request) = (by ?? Environment.UserName, NewRequest());
        return _store.ChangeBudgetsAsync(budgets => budgets.Forget(budget, who, note, request), cancellationToken);
    }

    /// <summary>Allows an amount on top of a budget's limit for a while.</summary>
    /// <param name="budget">The budget, by scope, period, unit and name.</param>
    /// <param name="extra">How much, in the budget's unit; above zero.</param>
    /// <param name="until">Until when, exclusive; in the future.</param>
    /// <param name="from">From when on; now when null.</param>
    /// <param name="key">The one value of a template that it is for, such as <c>user=alice</c>; every value when null. A comma or a percent sign within a value is written as in a URL.</param>
    /// <param name="note">Why, for the history.</param>
    /// <param name="by">Who, for the history; the name of the operating system's user when null.</param>
    /// <param name="cancellationToken">Ends the wait, not the change.</param>
    /// <returns>The grant.</returns>
    /// <exception cref="ArgumentException">The amount is not above zero or of another unit, the grant would never hold, or the key does not fit the budget.</exception>
    /// <exception cref="LlmCostException">No such budget holds.</exception>
    /// <exception cref="StoreUnavailableException">The ledger cannot be written.</exception>
    public async ValueTask<BudgetGrant> GrantAsync(Budget budget, BudgetAmount extra, DateTimeOffset until, DateTimeOffset? from = null, string? key = null,
        string? note = null, string? by = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(budget);
        var now = _time.GetUtcNow();
        if (extra.Unit != budget.Unit || extra.Count <= 0)
        {
            throw new ArgumentException($"A grant is an amount above zero in the unit of its budget ({BudgetText.Word(budget.Unit)}), not {extra}.", nameof(extra));
        }

        if (until <= now || until <= from)
        {
            throw new ArgumentException($"A grant until {until:u} would never hold. Give an end in the future, after its beginning.", nameof(until));
        }

        var windowKey = key is null ? null : BudgetScope.KeyOf(key);
        if (windowKey is not null && !budget.Scope.IsKey(windowKey))
        {
            throw new ArgumentException($"'{key}' is not a value of budget '{budget.Name}'. Give a value for each of its names, such as user=alice for one of each user.", nameof(key));
        }

        var grant = new BudgetGrant { Budget = budget, Amount = extra, From = from ?? now, Until = until, Key = windowKey, Note = note, By = by ?? Environment.UserName };
        var request = NewRequest();
        return await _store.ChangeBudgetsAsync(budgets => budgets.Grant(grant, request), cancellationToken).ConfigureAwait(false)
            ?? throw new LlmCostException($"There is no budget '{budget.Name}' to grant anything on top of. Set it first, or look at the budgets there are with 'llmcost budget list'.");
    }

    /// <summary>Takes a grant back; what was spent of it stays spent.</summary>
    /// <param name="grantId">The number of the grant.</param>
    /// <param name="note">Why, for the history.</param>
    /// <param name="by">Who, for the history; the name of the operating system's user when null.</param>
    /// <param name="cancellationToken">Ends the wait, not the change.</param>
    /// <returns>False when there is no such grant, or it has ended.</returns>
    /// <exception cref="StoreUnavailableException">The ledger cannot be written.</exception>
    public ValueTask<bool> RevokeAsync(long grantId, string? note = null, string? by = null, CancellationToken cancellationToken = default)
    {
        var (who, request) = (by ?? Environment.UserName, NewRequest());
        return _store.ChangeBudgetsAsync(budgets => budgets.Revoke(grantId, who, note, request), cancellationToken);
    }

    /// <summary>Every budget that holds, with where it stands.</summary>
    /// <exception cref="StoreUnavailableException">The ledger cannot be read.</exception>
    public ValueTask<IReadOnlyList<BudgetStanding>> ListAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(_store.ReadStandings());
    }

    /// <summary>Who changed which limit when, oldest first.</summary>
    /// <exception cref="StoreUnavailableException">The ledger cannot be read.</exception>
    public ValueTask<IReadOnlyList<BudgetChange>> HistoryAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(_store.ReadBudgetChanges());
    }

    private static string NewRequest() => Guid.CreateVersion7().ToString("N");
}
