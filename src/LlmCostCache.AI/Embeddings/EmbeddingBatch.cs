using System.Runtime.ExceptionServices;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>The texts of one request on their way through the cache. Disposing it lets others ask for what it meant to ask for and did not get.</summary>
internal sealed class EmbeddingBatch : IDisposable
{
    private readonly EmbeddingItem[] _positions;
    private readonly List<EmbeddingItem> _items = [];
    private int _failures;

    public EmbeddingBatch(IReadOnlyList<string> texts, Func<string, CachePlan> plan)
    {
        _positions = new EmbeddingItem[texts.Count];
        var known = new Dictionary<string, EmbeddingItem>(texts.Count, StringComparer.Ordinal);
        for (var i = 0; i < texts.Count; i++)
        {
            if (!known.TryGetValue(texts[i], out var item))
            {
                known[texts[i]] = item = new EmbeddingItem(texts[i], plan(texts[i]));
                _items.Add(item);
            }

            _positions[i] = item;
        }
    }

    /// <summary>Each text once.</summary>
    public IReadOnlyList<EmbeddingItem> Items => _items;

    /// <summary>Whether some text has no answer yet.</summary>
    public bool IsOpen => _items.Exists(static item => item.Embedding is null);

    /// <summary>Why the cache was neither asked nor filled; null when it was.</summary>
    public string? WhyBypassed => _items.Find(static item => item.Plan.BypassReason is not null)?.Plan.BypassReason;

    /// <summary>Looks up what has no answer yet.</summary>
    /// <returns>What this caller has to ask for; the rest is known, or another caller asks for it.</returns>
    public async ValueTask<List<EmbeddingItem>> LookUpAsync(ResponseCache cache, CancellationToken cancellationToken)
    {
        var open = _items.FindAll(static item => item.Embedding is null);
        Answer(open, await cache.FindEmbeddingsAsync(PlansOf(open), cancellationToken));
        var led = new List<EmbeddingItem>();
        foreach (var item in open)
        {
            if (item is { Embedding: null, Plan.CanRead: true, AsksAlone: false })
            {
                item.Flight = cache.Enter(item.Plan.Key);
                if (item.Flight.IsLeader)
                    led.Add(item);
            }
        }

        // Another leader may have landed between the look and the entry; what it bought is near.
        Answer(led, cache.FindEmbeddingsNear(PlansOf(led)));
        return open.FindAll(static item => item is { Embedding: null, Flight: null or { IsLeader: true } });
    }

    /// <summary>Answers what was asked for in vain with vectors that have expired, when there is one for each.</summary>
    /// <returns>Whether the failure need not be heard of.</returns>
    public static bool TryServeStale(ResponseCache cache, IReadOnlyList<EmbeddingItem> asked, Exception exception, CancellationToken cancellationToken)
    {
        if (asked.Count == 0 || asked.Any(static item => item.Plan.StaleFor <= TimeSpan.Zero) || !ProviderFailure.IsProviders(exception, cancellationToken))
            return false;

        var stale = asked.Select(item => cache.FindStaleEmbedding(item.Plan, exception.GetType().Name)).ToList();
        if (stale.Contains(null))
            return false;

        Answer(asked, stale);
        return true;
    }

    /// <summary>Tells those who wait that the provider, or the way to it, failed. A refusal may be about another text of the batch and tells them nothing: they ask for themselves.</summary>
    public static void Fail(IReadOnlyList<EmbeddingItem> asked, Exception exception, CancellationToken cancellationToken)
    {
        if (!ProviderFailure.IsProviders(exception, cancellationToken))
            return;

        foreach (var item in asked)
            item.Flight?.Fail(exception);
    }

    /// <summary>Waits for the texts that other callers ask for. Those whose callers gave up stay open.</summary>
    /// <exception cref="Exception">It was the second time that a provider failed on what was waited for, and there are no expired vectors that may stand in.</exception>
    public async ValueTask FollowAsync(ResponseCache cache, CancellationToken cancellationToken)
    {
        var failed = new List<EmbeddingItem>();
        Exception? error = null;
        foreach (var item in _items)
        {
            if (item.Embedding is null && item.Flight is { IsLeader: false } flight)
            {
                var hit = await flight.WaitAsync(cancellationToken);
                (item.AsksAlone, item.Flight) = (flight.IsUnshareable, null);

                if (hit is { Answer.Vector: not null } && cache.MayShare(hit, item.Plan))
                {
                    item.Answer(new EmbeddingHit(hit.Answer, CacheLayer.Coalesced) { StaleReason = hit.StaleReason });
                }
                else if (flight.Error is not null)
                {
                    error = flight.Error;
                    failed.Add(item);
                }
            }
        }

        if (error is not null && ++_failures >= CacheSearch.MostFailures && !TryServeStale(cache, failed, error, cancellationToken))
            ExceptionDispatchInfo.Throw(error);
    }

    /// <summary>The answers in the order of the request. Each position has a vector of its own, also where a text occurs twice.</summary>
    public void CopyTo(GeneratedEmbeddings<Embedding<float>> result)
    {
        var given = new HashSet<EmbeddingItem>(_items.Count);
        foreach (var item in _positions)
        {
            var embedding = item.Embedding!;
            result.Add(given.Add(item) ? embedding : new Embedding<float>(embedding.Vector.ToArray())
            {
                ModelId = embedding.ModelId,
                CreatedAt = embedding.CreatedAt,
                AdditionalProperties = embedding.AdditionalProperties?.Clone(),
            });
        }
    }

    public void Dispose()
    {
        foreach (var item in _items)
        {
            item.Flight?.Dispose();
        }
    }

    private static CachePlan[] PlansOf(List<EmbeddingItem> items) => [.. items.Select(static item => item.Plan)];

    private static void Answer(IReadOnlyList<EmbeddingItem> items, IReadOnlyList<EmbeddingHit?> hits)
    {
        for (var i = 0; i < items.Count; i++)
        {
            if (hits[i] is { } hit)
                items[i].Answer(hit);
        }
    }
}
