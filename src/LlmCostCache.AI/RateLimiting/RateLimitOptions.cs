using System.Threading.RateLimiting;

namespace LlmCostCache.AI;

/// <summary>How <c>UseRateLimit()</c> paces requests.</summary>
public sealed class RateLimitOptions
{
    private TimeSpan _maxWait = TimeSpan.FromMinutes(1);
    private int _maxWaiting = 1_000;

    /// <summary>The limits that a request has to pass, all of them.</summary>
    /// <value>Empty: nothing waits.</value>
    public IList<RateLimit> Limits { get; } = [];

    /// <summary>How long a request waits for its turn before it is refused with a <see cref="QuotaExceededException"/>. A wait that is known to take longer is refused at once.</summary>
    /// <value>One minute. Zero never waits; at most one hour.</value>
    public TimeSpan MaxWait
    {
        get => _maxWait;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, TimeSpan.FromHours(1));
            _maxWait = value;
        }
    }

    /// <summary>How many requests may wait for one limit; a further one is refused at once.</summary>
    /// <value>1,000. From zero to 100,000.</value>
    public int MaxWaiting
    {
        get => _maxWaiting;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 100_000);
            _maxWaiting = value;
        }
    }

    /// <summary>
    /// A limiter of <c>System.Threading.RateLimiting</c> that each request passes before the <see cref="Limits"/>, with one permit: a <c>ConcurrencyLimiter</c> for
    /// instance, or one that counts in Redis. Its lease is held until the answer, or the whole stream, has been read. It is not disposed here.
    /// </summary>
    /// <value>None.</value>
    public PartitionedRateLimiter<RateLimitedCall>? Limiter { get; set; }

    internal RateLimitOptions Copy()
    {
        var copy = new RateLimitOptions { MaxWait = MaxWait, MaxWaiting = MaxWaiting, Limiter = Limiter };
        foreach (var limit in Limits)
        {
            copy.Limits.Add(limit);
        }

        return copy;
    }
}
