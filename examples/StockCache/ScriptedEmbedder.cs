using Microsoft.Extensions.AI;

namespace StockCacheExample;

/// <summary>Embeds a text in two dimensions, for ten tokens a text.</summary>
internal sealed class ScriptedEmbedder : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly EmbeddingGeneratorMetadata _metadata = new("openai", new Uri("https://api.openai.com/v1"), "text-embedding-3-small", 2);

    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var result = new GeneratedEmbeddings<Embedding<float>>(values.Select(value => new Embedding<float>(new float[] { value.Length, 1 })));
        result.Usage = new UsageDetails { InputTokenCount = 10 * result.Count, TotalTokenCount = 10 * result.Count };
        return Task.FromResult(result);
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => serviceType == typeof(EmbeddingGeneratorMetadata) ? _metadata : null;

    public void Dispose()
    {
    }
}
