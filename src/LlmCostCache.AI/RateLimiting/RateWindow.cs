namespace LlmCostCache.AI;

/// <summary>What one limit has counted for those who share it. All members need the lock of the <see cref="RateGate"/> that owns it; times are ticks of its clock.</summary>
internal abstract class RateWindow(RateLimit limit)
{
    public RateLimit Limit { get; } = limit;

    /// <summary>How many calls wait here; who comes now waits behind them.</summary>
    public int Waiting { get; private set; }

    /// <summary>What they wait for, together.</summary>
    public long Claimed { get; private set; }

    /// <summary>Calls that wait and will take from it, here or elsewhere, and those that have passed and can still be corrected.</summary>
    public int UnderWay { get; set; }

    /// <summary>The last round of the gate in which somebody waited here.</summary>
    public long BlockedInRound { get; set; }

    public static RateWindow Of(RateLimit limit) => limit.Algorithm == RateLimitAlgorithm.TokenBucket ? new RateBucket(limit) : new RateLog(limit);

    /// <summary>How long until an amount fits if nobody else comes; zero when it fits now.</summary>
    public abstract long WaitFor(long amount, long now);

    /// <summary>At least how long someone waits who comes behind all that wait here.</summary>
    public abstract long WaitBehindAll(long amount, long now);

    /// <summary>Counts an amount. The stamp finds it again.</summary>
    public abstract long Take(long amount, long now);

    /// <summary>Counts more (above zero) or less (below) for what was taken with this stamp. More can be more than is left: then others wait until it is paid off.</summary>
    public abstract void Correct(long stamp, long difference, long now);

    /// <summary>Whether a new one would be the same.</summary>
    public abstract bool IsFresh(long now);

    public void Join(long amount)
    {
        Waiting++;
        Claimed = checked(Claimed + amount);
    }

    public void Leave(long amount)
    {
        Waiting--;
        Claimed -= amount;
    }
}
