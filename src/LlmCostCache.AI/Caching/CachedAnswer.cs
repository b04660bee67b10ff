using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>An answer found by asking <see cref="ResponseCache"/> directly.</summary>
public sealed class CachedAnswer
{
    internal CachedAnswer(CacheHit hit)
    {
        Response = hit.Response;
        Layer = hit.Layer;
        StoredAt = hit.StoredAt;
        ExpiresAt = hit.ExpiresAt;
    }

    /// <summary>The text of the answer.</summary>
    public string Text => Response.Text;

    /// <summary>The whole answer, without usage. A copy: changing it does not change what is stored.</summary>
    public ChatResponse Response { get; }

    /// <summary>The layer that had it.</summary>
    public CacheLayer Layer { get; }

    /// <summary>When it was stored.</summary>
    public DateTimeOffset StoredAt { get; }

    /// <summary>When it stops being served.</summary>
    public DateTimeOffset ExpiresAt { get; }
}
