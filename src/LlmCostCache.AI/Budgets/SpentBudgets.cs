namespace LlmCostCache.AI;

/// <summary>Finds budgets that have nothing left, for doors that see a call but cannot hold an amount for it.</summary>
internal sealed class SpentBudgets(LlmCostsOptions options, ILedgerStore store, PriceBook prices, BudgetsInForce budgets, BudgetCalendar calendar, ReservationChanges changes, RefusalReport report)
{
    /// <summary>
    /// The refusal when a budget that refuses has nothing left, else null. It waits, as long as a reservation would, while only calls under way stand in the way.
    /// </summary>
    /// <exception cref="StoreUnavailableException">A budget that refuses cannot be checked.</exception>
    public async ValueTask<LlmCostException?> FindAsync(BudgetDemand demand, CallSpan span, CancellationToken cancellationToken)
    {
        if (!budgets.HasBudgets)
        {
            return null;
        }

        var now = options.TimeProvider.GetUtcNow();
        var facts = prices.Find(demand.Client.ProviderName, demand.Model, now, demand.Client.Host);
        var limits = budgets.Read();
        var matching = limits.Matcher.Match(demand.Attribution, demand.Model, facts?.Model).FindAll(match => match.Budget.Mode != BudgetMode.Warn && match.Budget.Period != BudgetPeriod.PerCall);
        var needed = BudgetQuote.For(prices, demand, facts, now)?.Estimate;
        if (needed == Money.Zero)
        {
            matching.RemoveAll(match => match.Budget.Unit == BudgetUnit.Usd);
        }

        if (matching.Count == 0)
        {
            return null;
        }

        var waitUntil = now + options.ReservationWait;
        var poll = ReservationChanges.ShortestPoll;
        while (true)
        {
            now = options.TimeProvider.GetUtcNow();
            var changed = changes.Next;
            var balances = await store.ReadBalancesAsync(cancellationToken).ConfigureAwait(false);
            var (refusal, isSpent) = RefusalOf(matching, limits, balances, needed, now);
            if (refusal is null)
            {
                return null;
            }

            if (isSpent || now >= waitUntil)
            {
                report.Write(demand, refusal, span);
                return refusal.AsThrown();
            }

            await changes.WaitAsync(changed, poll, cancellationToken).ConfigureAwait(false);
            poll = ReservationChanges.After(poll);
        }
    }

    /// <summary>The first budget in which everything is spent, else the last in which everything is spent or held.</summary>
    private (BudgetExceededException? Refusal, bool IsSpent) RefusalOf(
        List<BudgetMatch> matching, LimitSet limits, IReadOnlyList<WindowBalance> balances, Money? needed, DateTimeOffset now)
    {
        BudgetExceededException? refusal = null;
        foreach (var (budget, key) in matching)
        {
            var (startsAt, endsAt) = calendar.WindowOf(budget, now);
            var none = BudgetAmount.Of(budget.Unit, 0);
            var limit = limits.Settings.LimitOf(budget, key, now);
            var window = new BudgetWindow(budget, key, startsAt, endsAt);
            var balance = balances.FirstOrDefault(
                balance => balance.Window.Budget.Id == budget.Id && balance.Window.Key == key && (balance.Window.StartsAt == startsAt || budget.Period == BudgetPeriod.Rolling),
                new WindowBalance(window, limit, none, none));
            if (balance.Spent + balance.Reserved < limit)
            {
                continue;
            }

            var isSpent = balance.Spent >= limit;
            DateTimeOffset? resetsAt = endsAt == DateTimeOffset.MaxValue || budget.Period == BudgetPeriod.Rolling ? null : endsAt;
            var retryAfter = isSpent ? resetsAt - now : ReservationChanges.LongestPoll;
            refusal = BudgetRefusal.Of(budget, new BudgetTally(limit, balance.Spent, balance.Reserved, budget.Unit == BudgetUnit.Usd ? needed ?? Money.Zero : none), resetsAt, retryAfter, window);
            if (isSpent)
            {
                return (refusal, true);
            }
        }

        return (refusal, false);
    }
}
