namespace LlmCostCache.AI;

/// <summary>The tags of one series of the cache's metrics, made once: hits of one model all have the same.</summary>
/// <param name="layer">The layer that answered.</param>
/// <param name="outcome">What the cache did.</param>
/// <param name="operation"><c>chat</c>, <c>embeddings</c>, ...</param>
/// <param name="provider">The provider.</param>
/// <param name="model">The model that was asked for, as the caller named it.</param>
/// <param name="tags">The tags, the result last.</param>
internal sealed class CacheSeries(
    CacheLayer layer, CacheOutcome outcome, string operation, string? provider, string? model, KeyValuePair<string, object?>[] tags)
{
    public ReadOnlySpan<KeyValuePair<string, object?>> Tags => tags;

    /// <summary>The tags of the money saved, which does not tell results apart.</summary>
    public ReadOnlySpan<KeyValuePair<string, object?>> TagsWithoutResult => tags.AsSpan(..^1);

    public bool Is(CacheLayer otherLayer, CacheOutcome otherOutcome, string otherOperation, string? otherProvider, string? otherModel) =>
        layer == otherLayer && outcome == otherOutcome && operation == otherOperation && provider == otherProvider && model == otherModel;
}
