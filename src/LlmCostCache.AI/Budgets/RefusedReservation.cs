using System.Collections.Immutable;

namespace LlmCostCache.AI;

/// <summary>
/// A reservation that did not fit: which of its budgets decides, whether the call may still fit when others give back what they hold, how long an answer would fit, and whether the
/// decisive budget lets it wait for its next window.
/// </summary>
internal sealed class RefusedReservation
{
    private readonly ReservationRequest _request;
    private readonly ImmutableArray<WindowBalance> _balances;
    private readonly BudgetQuote _quote;
    private readonly bool _mayCap;
    private readonly DateTimeOffset _began;
    private readonly DateTimeOffset _now;
    private readonly int _blocking;
    private readonly List<BudgetAmount> _left;

    /// <param name="request">What was to be held.</param>
    /// <param name="outcome">Where the windows stand.</param>
    /// <param name="quote">What the call costs by the length of its answer.</param>
    /// <param name="mayCap">Whether its answer may be shortened.</param>
    /// <param name="began">Since when it waits.</param>
    /// <param name="now">The time of the request.</param>
    /// <param name="patience">How long any call waits for others' reservations.</param>
    public RefusedReservation(ReservationRequest request, ReservationOutcome outcome, BudgetQuote quote, bool mayCap, DateTimeOffset began, DateTimeOffset now, TimeSpan patience)
    {
        (_request, _balances, _quote, _mayCap, _began, _now) = (request, outcome.Balances, quote, mayCap, began, now);

        // Every enforced hold is looked at, not only the first that refused: a shorter answer must fit all of them.
        var left = new List<BudgetAmount>(_balances.Length);
        var leftNow = new List<BudgetAmount>(_balances.Length);
        _blocking = outcome.RefusedBy;
        for (var i = 0; i < _balances.Length; i++)
        {
            var hold = request.Holds[i];
            if (!hold.Enforced)
            {
                continue;
            }

            var unspent = _balances[i].Limit - _balances[i].Spent;
            if (hold.Amount.Count > 0 && hold.Amount > unspent && (!IsSpentIn(_blocking) || (MayWait(_blocking) && !MayWait(i))))
            {
                // Of several that have nothing left, one that does not wait decides.
                _blocking = i;
            }

            if (hold.Window.Budget.Mode == BudgetMode.Strict && hold.Amount.Count > 0)
            {
                left.Add(unspent);
                leftNow.Add(unspent - _balances[i].Reserved);
            }
        }

        var isSpent = IsSpentIn(_blocking);
        _left = isSpent ? left : leftNow;
        MayStillFit = !isSpent && now < began + (Budget.LongestWait is { } longest && longest > patience ? longest : patience);
        WaitsUntil = isSpent && MayWait(_blocking) ? RoomAt(_blocking) : null;
    }

    /// <summary>The budget that decides.</summary>
    public Budget Budget => _request.Holds[_blocking].Window.Budget;

    /// <summary>Whether only other calls' reservations stand in the way, and there is time left to wait for them.</summary>
    public bool MayStillFit { get; }

    /// <summary>When there is room, as far as the budget lets calls wait for it; null when they do not wait.</summary>
    public DateTimeOffset? WaitsUntil { get; }

    /// <summary>The longest answer that fits now, when it is shorter than <paramref name="cap"/>; null when none does, or the answer may not be shortened.</summary>
    public int? ShorterAnswer(int? cap) =>
        _mayCap && Budget.Mode == BudgetMode.Strict && _quote.LargestAnswerWithin(_left) is { } answer && _quote.IsShorter(answer, cap) ? answer : null;

    public BudgetExceededException ToException()
    {
        var (balance, hold, resetsAt) = (_balances[_blocking], _request.Holds[_blocking], ResetsAt(_blocking));
        var retryAfter = !IsSpentIn(_blocking) ? ReservationChanges.LongestPoll : CouldFit(_blocking) ? resetsAt - _now : null;
        return BudgetRefusal.Of(Budget, new BudgetTally(balance.Limit, balance.Spent, balance.Reserved, hold.Amount), resetsAt, retryAfter, hold.Window);
    }

    private bool IsSpentIn(int i) => _request.Holds[i].Amount > _balances[i].Limit - _balances[i].Spent;

    private bool CouldFit(int i) => _request.Holds[i].Amount <= _balances[i].Limit
        || (_mayCap && _request.Holds[i].Window.Budget.Mode == BudgetMode.Strict && _quote.LargestAnswerWithin(_balances[i].Limit) is not null);

    private DateTimeOffset? ResetsAt(int i) => _request.Holds[i].Window is { Budget.Period: not BudgetPeriod.Rolling, EndsAt: var endsAt }
        ? endsAt == DateTimeOffset.MaxValue ? null : endsAt
        : _balances[i].FitsAt;

    // When a rolling span has room for a shorter answer is not known, only when it has for the whole one.
    private DateTimeOffset? RoomAt(int i) => ResetsAt(i) ?? (_request.Holds[i].Window.Budget.Period == BudgetPeriod.Rolling ? _began + _request.Holds[i].Window.Budget.LongestWait : null);

    private bool MayWait(int i) => _began + _request.Holds[i].Window.Budget.LongestWait is { } deadline && _now < deadline && RoomAt(i) <= deadline && CouldFit(i);
}
