using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>An answer found in the cache; a copy that belongs to whoever receives it.</summary>
internal sealed class CacheHit(StoredAnswer answer, CacheLayer layer, CacheKey key)
{
    private ChatResponse? _response;

    /// <summary>The answer without usage: it was paid for when it was stored.</summary>
    public ChatResponse Response => _response ??= answer.ToResponse();

    public CacheLayer Layer => layer;

    /// <summary>Why it is served although it has expired; null when it has not.</summary>
    public string? StaleReason { get; init; }

    /// <summary>The key of the entry that answered.</summary>
    public CacheKey Key => key;

    /// <summary>What it cost, and used, when it was bought.</summary>
    public CallCost Original => answer.Original;

    public DateTimeOffset StoredAt => answer.StoredAt;

    public DateTimeOffset ExpiresAt => answer.ExpiresAt;

    /// <summary>The model that was asked.</summary>
    public string Model => answer.Model;

    internal StoredAnswer Answer => answer;
}
