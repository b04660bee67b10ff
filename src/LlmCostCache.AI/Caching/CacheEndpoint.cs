namespace LlmCostCache.AI;

/// <summary>Who is asked: two endpoints never share an answer, even for the same model name.</summary>
/// <param name="Provider">The provider's name, or what stands for it.</param>
/// <param name="Uri">The address of the provider.</param>
/// <param name="DefaultModel">The model that answers when the options name none.</param>
internal readonly record struct CacheEndpoint(string? Provider, Uri? Uri, string? DefaultModel);
