namespace LlmCostCache.AI;

/// <summary>Who is asked, and for whom: what stands at the head of every key.</summary>
/// <param name="Endpoint">Who is asked.</param>
/// <param name="Namespace">The namespace of the application; null or empty for none.</param>
/// <param name="CallNamespace">The namespace that the call itself asked for.</param>
/// <param name="Tenant">Whose question it is.</param>
/// <param name="Model">The model that is asked.</param>
internal readonly record struct QuestionScope(CacheEndpoint Endpoint, string? Namespace, string? CallNamespace, string? Tenant, string? Model)
{
    /// <summary>What makes no difference in texts; whoever has another opinion has other keys.</summary>
    public CacheNormalization Normalization { get; init; }
}
