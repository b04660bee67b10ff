using Microsoft.Extensions.Internal;

namespace StockCacheExample;

/// <summary>A clock that is put forward by hand, for both caches.</summary>
internal sealed class SettableClock : TimeProvider, ISystemClock
{
    private DateTimeOffset _now = new(2026, 9, 1, 12, 0, 0, TimeSpan.Zero);

    DateTimeOffset ISystemClock.UtcNow => _now;

    public override DateTimeOffset GetUtcNow() => _now;

    public void Advance(TimeSpan time) => _now += time;
}
