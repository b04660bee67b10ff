using System.Collections.Immutable;

namespace LlmCostCache.AI;

/// <summary>What each kind of budget holds for one call.</summary>
internal readonly record struct HoldAmounts(Money Ceiling, Money Estimate, long Tokens, long LikelyTokens, bool IsPriced)
{
    public static HoldAmounts Of(BudgetQuote quote, int? cap) => new(quote.Ceiling(cap), quote.Estimate, quote.TokenCeiling(cap), quote.TokenEstimate, quote.IsPriced);

    public BudgetAmount Of(Budget budget) => budget.Unit switch
    {
        BudgetUnit.Usd => budget.Mode == BudgetMode.Strict ? Ceiling : Estimate,
        BudgetUnit.Tokens => BudgetAmount.Tokens(budget.Mode == BudgetMode.Strict ? Tokens : LikelyTokens),
        _ => BudgetAmount.Requests(1),
    };

    /// <summary>The holds in the windows of the budgets that have any.</summary>
    /// <param name="calendar">Which windows these are.</param>
    /// <param name="matching">The budgets that count the call.</param>
    /// <param name="allowed">Those that the application lets it exceed, by id.</param>
    /// <param name="now">The time.</param>
    public ImmutableArray<Hold> In(BudgetCalendar calendar, List<BudgetMatch> matching, IReadOnlyDictionary<string, string> allowed, DateTimeOffset now)
    {
        var holds = ImmutableArray.CreateBuilder<Hold>(matching.Count);
        foreach (var (budget, key) in matching)
        {
            if (budget.Period != BudgetPeriod.PerCall)
            {
                var (startsAt, endsAt) = calendar.WindowOf(budget, now);
                holds.Add(new Hold(new BudgetWindow(budget, key, startsAt, endsAt), Of(budget), budget.Mode != BudgetMode.Warn && !allowed.ContainsKey(budget.Id)));
            }
        }

        return holds.DrainToImmutable();
    }

    /// <summary>The first budget for each call that the call does not fit, and what it allows; null when it fits all of them.</summary>
    /// <param name="settings">What the budgets allow now.</param>
    /// <param name="matching">The budgets that count the call.</param>
    /// <param name="allowed">Those that the application lets it exceed, by id.</param>
    /// <param name="now">The time.</param>
    public (Budget Budget, BudgetAmount Limit)? ExceededPerCall(BudgetSettings settings, List<BudgetMatch> matching, IReadOnlyDictionary<string, string> allowed, DateTimeOffset now)
    {
        foreach (var (budget, key) in matching)
        {
            if (budget.Period == BudgetPeriod.PerCall && budget.Mode != BudgetMode.Warn && !allowed.ContainsKey(budget.Id) && settings.LimitOf(budget, key, now) is var limit && Of(budget) > limit)
            {
                return (budget, limit);
            }
        }

        return null;
    }
}
