using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <content>The same path for embeddings, of which many are asked at once.</content>
public sealed partial class ResponseCache
{
    /// <summary>The same for one text that is to be embedded.</summary>
    internal CachePlan PlanEmbedding(string text, EmbeddingGenerationOptions? options, in CacheEndpoint endpoint, string? tenant,
        CachePolicy policy)
    {
        var control = CacheControlCarrier.Find(options?.AdditionalProperties);
        var scope = new QuestionScope(endpoint, _namespace, control?.NamespaceName, tenant, options?.ModelId ?? endpoint.DefaultModel ?? "");
        var whyNot = control is { IsBypass: true } ? "the call bypasses the cache" : null;
        var form = whyNot is null ? RequestCanonicalizer.TryWrite(text, options, scope, out whyNot) : null;
        var plan = PlanFor(form, whyNot, control, scope, policy);

        // Thousands of texts are planned before the first one is looked up.
        plan.Settle();
        return plan;
    }

    /// <summary>Looks the texts of a batch up, in one go in each layer; what a lower layer knew, the upper ones learn.</summary>
    internal async ValueTask<EmbeddingHit?[]> FindEmbeddingsAsync(IReadOnlyList<CachePlan> plans, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var hits = FindEmbeddingsNear(plans);
        if (_distributed is null || OpenOf(plans, hits) is not { Count: > 0 } open)
            return hits;

        var answers = await _distributed.FindAsync([.. open.Select(i => plans[i].Key)], cancellationToken).ConfigureAwait(false);
        for (var i = 0; i < open.Count; i++)
            hits[open[i]] = HitOf(Learn(plans[open[i]], answers[i]));

        return hits;
    }

    /// <inheritdoc cref="FindNear"/>
    internal EmbeddingHit?[] FindEmbeddingsNear(IReadOnlyList<CachePlan> plans)
    {
        var hits = new EmbeddingHit?[plans.Count];
        for (var i = 0; i < plans.Count; i++)
            hits[i] = plans[i].CanRead && FindInMemory(plans[i]) is { } answer ? HitOf((answer, CacheLayer.Memory)) : null;

        if (_disk is null || OpenOf(plans, hits) is not { Count: > 0 } open)
            return hits;

        var stored = _disk.Find([.. open.Select(i => plans[i].Key)]);
        for (var i = 0; i < open.Count; i++)
            hits[open[i]] = HitOf(FromDisk(_disk, plans[open[i]], stored[i]));

        return hits;
    }

    private static List<int> OpenOf(IReadOnlyList<CachePlan> plans, EmbeddingHit?[] hits) =>
        [.. Enumerable.Range(0, plans.Count).Where(i => hits[i] is null && plans[i].CanRead)];

    private static EmbeddingHit? HitOf((StoredAnswer? Answer, CacheLayer Layer) found) =>
        found is (StoredAnswer { Vector: not null } answer, var layer) ? new EmbeddingHit(answer, layer) : null;

    /// <summary>Stores a copy of an embedding.</summary>
    /// <returns>Null when it is stored or on its way, else the reason.</returns>
    internal string? StoreEmbedding(CachePlan plan, Embedding<float> embedding, CallCost cost, Purchase? purchase = null)
    {
        if (plan.BypassReason is { } bypass)
            return bypass;

        if (!plan.CanStore)
            return "the call stores nothing";

        if (embedding.Vector.IsEmpty || !embedding.Vector.Span.ContainsAnyExcept(0f) || !AllFinite(embedding.Vector.Span))
            return "the embedding is empty, zero or not finite";

        return Keep(plan, StoredAnswer.Copy(embedding, plan, cost, _time.GetUtcNow(), purchase));
    }

    /// <summary>The same for an embedding.</summary>
    internal EmbeddingHit? FindStaleEmbedding(CachePlan plan, string failure) =>
        StaleOf(plan, failure) is { Answer.Vector: not null } hit ? new EmbeddingHit(hit.Answer, hit.Layer) { StaleReason = hit.StaleReason } : null;

    private static bool AllFinite(ReadOnlySpan<float> vector)
    {
        foreach (var number in vector)
        {
            if (!float.IsFinite(number))
                return false;
        }

        return true;
    }
}
