using System.Collections.Concurrent;

namespace LlmCostCache.AI;

/// <summary>Questions that failed a moment ago and would fail again.</summary>
internal sealed class RememberedErrors(TimeProvider time)
{
    private const int Most = 1_000;

    private readonly ConcurrentDictionary<CacheKey, (Exception Error, DateTimeOffset At, DateTimeOffset Until)> _errors = new();

    public void Add(CacheKey key, Exception error, TimeSpan atMost)
    {
        var now = time.GetUtcNow();
        if (ProviderFailure.RepeatsFor(error, atMost, now) is not { } wait)
            return;

        if (_errors.Count >= Most)
        {
            foreach (var (old, entry) in _errors)
            {
                if (entry.Until <= now)
                    _errors.TryRemove(old, out _);
            }
        }

        if (_errors.Count < Most)
            _errors[key] = (error, now, now + wait);
    }

    public void Forget(CachePlan plan)
    {
        if (!_errors.IsEmpty && plan.BypassReason is null)
            _errors.TryRemove(plan.Key, out _);
    }

    /// <summary>The error to throw instead of asking; null when there is none.</summary>
    public RememberedErrorException? Find(CacheKey key)
    {
        if (_errors.IsEmpty || !_errors.TryGetValue(key, out var entry))
            return null;

        if (time.GetUtcNow() < entry.Until)
            return new RememberedErrorException(entry.Error, entry.At, entry.Until);

        _errors.TryRemove(KeyValuePair.Create(key, entry));
        return null;
    }
}
