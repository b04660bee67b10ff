using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>A provider of embeddings: the vector of a text is made of its length and its first characters; each text is a token per character.</summary>
public sealed class FakeEmbeddingGenerator(string model = "text-embedding-3-small") : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly List<IReadOnlyList<string>> _calls = [];

    public IReadOnlyList<IReadOnlyList<string>> Calls => _calls;

    public static float[] VectorOf(string text) => [text.Length, text.Length > 0 ? text[0] : 1, text.Length > 1 ? text[1] : 1];

    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var list = values.ToList();
        _calls.Add(list);
        var tokens = list.Sum(text => (long)text.Length);
        var result = new GeneratedEmbeddings<Embedding<float>>(list.Select(text => new Embedding<float>(VectorOf(text)) { ModelId = model }))
        {
            Usage = new UsageDetails { InputTokenCount = tokens, TotalTokenCount = tokens },
        };
        return Task.FromResult(result);
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(EmbeddingGeneratorMetadata) ? new EmbeddingGeneratorMetadata("openai", new Uri("https://api.openai.com/v1"), model)
        : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }
}
