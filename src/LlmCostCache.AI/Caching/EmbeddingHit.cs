using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>An embedding found in the cache; a copy that belongs to whoever receives it.</summary>
internal sealed class EmbeddingHit(StoredAnswer answer, CacheLayer layer)
{
    private Embedding<float>? _embedding;

    public Embedding<float> Embedding => _embedding ??= answer.ToEmbedding();

    public CacheLayer Layer => layer;

    /// <summary>Why it is served although it has expired; null when it has not.</summary>
    public string? StaleReason { get; init; }

    /// <summary>What it cost, and used, when it was bought.</summary>
    public CallCost Original => answer.Original;

    public DateTimeOffset StoredAt => answer.StoredAt;

    internal StoredAnswer Answer => answer;
}
