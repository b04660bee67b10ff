namespace LlmCostCache.AI;

/// <summary>What one run has done so far.</summary>
internal sealed class Run
{
    private readonly Lock _lock = new();
    private int _calls;
    private int _unpriced;
    private Money _spent;
    private bool _isReported;

    /// <summary>When it was last heard of, as a timestamp of the clock.</summary>
    public long UsedAt { get; set; }

    public TimeSpan IdleTimeout { get; set; }

    public (int Calls, Money Spent, int Unpriced) Now
    {
        get
        {
            lock (_lock)
            {
                return (_calls, _spent, _unpriced);
            }
        }
    }

    /// <summary>Counts a request, unless that would be one too many.</summary>
    /// <param name="maxCalls">How many there may be.</param>
    /// <param name="maxCost">What they may cost together.</param>
    /// <param name="counts">False when it is only looked at here, because a watch further out counts it.</param>
    /// <returns>The rule that it would break; null when it may be sent.</returns>
    public RunawayRule? TryCall(int? maxCalls, Money? maxCost, bool counts)
    {
        lock (_lock)
        {
            if (maxCost is { } most && _spent >= most)
            {
                return RunawayRule.Cost;
            }

            if (_calls >= maxCalls)
            {
                return RunawayRule.Calls;
            }

            _calls += counts ? 1 : 0;
            return null;
        }
    }

    /// <summary>A request that was counted was not sent after all.</summary>
    public void TakeBack()
    {
        lock (_lock)
        {
            _calls--;
        }
    }

    /// <summary>What a request cost. A bounded cost counts with its upper end; an unknown one only as that.</summary>
    public void Spend(CallCost cost)
    {
        lock (_lock)
        {
            if (cost.Amount is { } amount)
            {
                _spent = amount > Money.MaxValue - _spent ? Money.MaxValue : _spent + amount;
            }
            else
            {
                _unpriced++;
            }
        }
    }

    /// <summary>True once: a run that is stopped again and again is one event.</summary>
    public bool TryReport()
    {
        lock (_lock)
        {
            return !_isReported && (_isReported = true);
        }
    }
}
