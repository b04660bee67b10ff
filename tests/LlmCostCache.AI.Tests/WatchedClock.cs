using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;

namespace LlmCostCache.AI.Tests;

/// <summary>A clock that stands still and knows who waits by it: a test can tell that somebody has begun to wait, however long that takes.</summary>
internal sealed class WatchedClock(DateTimeOffset now) : FakeTimeProvider(now)
{
    private readonly ConcurrentQueue<TimeSpan> _waits = new();

    /// <summary>Waits until so many waits of this length have begun, all told.</summary>
    public async Task WaitingAsync(TimeSpan length, int count = 1)
    {
        for (var look = 0; _waits.Count(wait => wait == length) < count; look++)
        {
            Assert.True(look < 6_000, $"Of {count} waits of {length} {_waits.Count(wait => wait == length)} began within a minute; there were {string.Join(", ", _waits.Distinct())}.");
            await Task.Delay(10);
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        _waits.Enqueue(dueTime);
        return timer;
    }
}
