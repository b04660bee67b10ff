using System.Globalization;

namespace LlmCostCache.AI;

/// <content>Answers that have expired and are served on the day the provider fails.</content>
public sealed partial class ResponseCache
{
    /// <summary>An answer that has expired but may be served now that the provider has failed; null when there is none.</summary>
    internal CacheHit? FindStale(CachePlan plan, string failure) => StaleOf(plan, failure) is { Answer.Vector: null } hit ? hit : null;

    private CacheHit? StaleOf(CachePlan plan, string failure)
    {
        if (!plan.CanRead || plan.StaleFor <= TimeSpan.Zero)
            return null;

        if (_memory is not null && _memory.TryGet(plan.Print, plan.Request, out var entry) && MayServeStale(entry.Answer, plan))
            return Stale(entry.Answer, CacheLayer.Memory);

        return _disk?.Find(plan.Key, evenUnused: true) is { } stored && MayServeStale(stored, plan) ? Stale(stored, CacheLayer.Disk) : null;

        CacheHit Stale(StoredAnswer found, CacheLayer layer) => new(found, layer, plan.Key)
        {
            StaleReason = string.Create(CultureInfo.InvariantCulture,
                $"stale: the provider failed ({failure}), and the answer of {found.StoredAt.UtcDateTime:yyyy-MM-dd HH:mm}Z is served although it has expired"),
        };
    }

    private bool MayServeStale(StoredAnswer answer, CachePlan plan)
    {
        var now = _time.GetUtcNow();
        return (answer.IsFresh(now) || (answer.IsKept(now) && now - answer.ExpiresAt < plan.StaleFor)) && !_invalidations.IsDead(answer);
    }
}
