namespace LlmCostCache.AI;

/// <summary>A bucket that is refilled evenly. What it holds is counted in shares of the unit (one unit is as many shares as the window has ticks), so that refilling loses nothing to rounding.</summary>
internal sealed class RateBucket(RateLimit limit) : RateWindow(limit)
{
    private readonly long _window = limit.Window.Ticks;
    private Int128 _shares = (Int128)limit.Burst * limit.Window.Ticks;
    private long _at;

    public override long WaitFor(long amount, long now)
    {
        Refill(now);
        return Until((Int128)amount * _window);
    }

    public override long WaitBehindAll(long amount, long now)
    {
        Refill(now);
        return Until(((Int128)Claimed + amount) * _window);
    }

    public override long Take(long amount, long now)
    {
        Refill(now);
        _shares -= (Int128)amount * _window;
        return now;
    }

    public override void Correct(long stamp, long difference, long now)
    {
        Refill(now);

        // Never above the brim: what was refilled in the meantime would otherwise count twice.
        _shares = Int128.Min(_shares - (Int128)difference * _window, Brim);
    }

    public override bool IsFresh(long now)
    {
        Refill(now);
        return _shares == Brim;
    }

    private Int128 Brim => (Int128)Limit.Burst * _window;

    private void Refill(long now)
    {
        if (now > _at)
        {
            _shares = Int128.Min(_shares + (Int128)Limit.Limit * (now - _at), Brim);
            _at = now;
        }
    }

    private long Until(Int128 shares)
    {
        var missing = shares - _shares;
        return missing <= 0 ? 0 : (long)Int128.Min((missing + Limit.Limit - 1) / Limit.Limit, long.MaxValue);
    }
}
