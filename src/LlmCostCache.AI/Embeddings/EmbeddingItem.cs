using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>One text of a request, however often it occurs in it.</summary>
internal sealed class EmbeddingItem(string text, CachePlan plan)
{
    public string Text => text;

    public CachePlan Plan => plan;

    /// <summary>The answer, once there is one.</summary>
    public Embedding<float>? Embedding { get; set; }

    /// <summary>Where the answer came from; null when the provider was asked.</summary>
    public EmbeddingHit? Hit { get; private set; }

    /// <summary>This caller's part in asking for the text; null when it is alone.</summary>
    public CacheFlight? Flight { get; set; }

    /// <summary>Whether another caller's answer was one that only that caller may have.</summary>
    public bool AsksAlone { get; set; }

    public void Answer(EmbeddingHit hit)
    {
        Hit = hit;
        Embedding = hit.Embedding;
        Share(hit.Answer, hit.StaleReason);
    }

    /// <summary>Gives the answer to those who wait for it.</summary>
    public void Share(StoredAnswer answer, string? staleReason = null) =>
        Flight?.Complete(new CacheHit(answer, CacheLayer.Coalesced, plan.Key) { StaleReason = staleReason });
}
