namespace LlmCostCache.AI;

/// <summary>A sliding log: every amount counts for exactly one window. Amounts that come within a thousandth of the window share an entry, which counts until the last of them is over.</summary>
internal sealed class RateLog(RateLimit limit) : RateWindow(limit)
{
    private const int MostEntries = 1_000;

    private readonly long _window = limit.Window.Ticks;
    private readonly long _grain = Math.Max(1, limit.Window.Ticks / MostEntries);
    private readonly List<Entry> _entries = [];
    private int _first;
    private long _sum;

    public override long WaitFor(long amount, long now)
    {
        Expire(now);
        return Until(amount, now);
    }

    public override long WaitBehindAll(long amount, long now)
    {
        Expire(now);
        var all = (Int128)Claimed + amount;

        // More than one window's worth: each window lets one limit pass.
        return all <= Limit.Limit ? Until((long)all, now) : (long)Int128.Min((all - 1) / Limit.Limit * _window, long.MaxValue);
    }

    public override long Take(long amount, long now)
    {
        Expire(now);
        var stamp = now / _grain;
        if (_entries.Count > _first && _entries[^1] is { } last && last.Stamp >= stamp)
        {
            _entries[^1] = last with { Amount = checked(last.Amount + amount), At = now };
            stamp = last.Stamp;
        }
        else
        {
            _entries.Add(new(stamp, amount, now));
        }

        _sum = checked(_sum + amount);
        return stamp;
    }

    public override void Correct(long stamp, long difference, long now)
    {
        Expire(now);
        if (difference > 0)
        {
            // It became known now and counts from now on: the entry may be gone, and the provider counts output when it is made.
            Take(difference, now);
            return;
        }

        var i = _entries.FindIndex(_first, entry => entry.Stamp == stamp);
        if (i >= 0)
        {
            _entries[i] = _entries[i] with { Amount = _entries[i].Amount + difference };
            _sum += difference;
        }
    }

    public override bool IsFresh(long now)
    {
        Expire(now);
        return _entries.Count == _first;
    }

    private long Until(long amount, long now)
    {
        var tooMuch = (Int128)_sum + amount - Limit.Limit;
        for (var i = _first; i < _entries.Count && tooMuch > 0; i++)
        {
            tooMuch -= _entries[i].Amount;
            if (tooMuch <= 0)
            {
                return _entries[i].At + _window - now;
            }
        }

        return tooMuch <= 0 ? 0 : _window;
    }

    private void Expire(long now)
    {
        while (_first < _entries.Count && _entries[_first].At + _window <= now)
        {
            _sum -= _entries[_first++].Amount;
        }

        if (_first > MostEntries || _first == _entries.Count)
        {
            _entries.RemoveRange(0, _first);
            _first = 0;
        }
    }

    private readonly record struct Entry(long Stamp, long Amount, long At);
}
