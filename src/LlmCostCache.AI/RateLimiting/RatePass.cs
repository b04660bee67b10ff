namespace LlmCostCache.AI;

/// <summary>What a request has taken of its limits. It is corrected once, when the truth is known; until then, and if it never is, the estimate counts.</summary>
internal sealed class RatePass(RateGate gate, RateWindow[] windows, RateClaim[] claims, long[] stamps)
{
    private int _isOver;

    /// <summary>Nothing was limited.</summary>
    public static RatePass Free { get; } = new(null!, [], [], []);

    public RateWindow[] Windows => windows;

    public RateClaim[] Claims => claims;

    public long[] Stamps => stamps;

    /// <summary>Counts what was really used in the place of what was estimated.</summary>
    public void Settle(long requests, long tokens, Money? cost) => End(claim => claim.Limit.Unit switch
    {
        RateLimitUnit.Requests => requests,
        RateLimitUnit.Tokens => tokens,
        _ => cost?.Nanos ?? claim.Amount,
    });

    /// <summary>Nothing was sent: everything is there again for others.</summary>
    public void GiveBack() => End(static _ => 0);

    /// <summary>A request was sent and turned away: it counts as a request, which is how providers count, and for nothing else.</summary>
    public void GiveBackAllButTheRequest() => End(static claim => claim.Limit.Unit == RateLimitUnit.Requests ? claim.Amount : 0);

    /// <summary>What was estimated stays counted.</summary>
    public void Keep() => End(static claim => claim.Amount);

    private void End(Func<RateClaim, long> actual)
    {
        if (windows.Length > 0 && Interlocked.Exchange(ref _isOver, 1) == 0)
        {
            gate.Correct(this, actual);
        }
    }
}
