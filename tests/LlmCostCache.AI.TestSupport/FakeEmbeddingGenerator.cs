using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>A provider of embeddings: the vector of a text is made of its length and its first characters; each text is a token per character.</summary>
public sealed class FakeEmbeddingGenerator(string model = "text-embedding-3-small") : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly List<IReadOnlyList<string>> _calls = [];
    private Task _held = Task.CompletedTask;

    public IReadOnlyList<IReadOnlyList<string>> Calls => _calls;

    /// <summary>What becomes of the vectors before they are returned.</summary>
    public Func<Embedding<float>[], Embedding<float>[]>? Change { get; set; }

    /// <summary>Keeps the next call, and only that, until the result is set; an error is what it throws.</summary>
    public TaskCompletionSource Hold()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _held = gate.Task;
        return gate;
    }

    public static float[] VectorOf(string text) => [text.Length, text.Length > 0 ? text[0] : 1, text.Length > 1 ? text[1] : 1];

    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var list = values.ToList();
        lock (_calls)
        {
            _calls.Add(list);
        }

        await Interlocked.Exchange(ref _held, Task.CompletedTask).WaitAsync(cancellationToken);
        var tokens = list.Sum(text => (long)text.Length);
        var vectors = list.Select(text => new Embedding<float>(VectorOf(text)) { ModelId = model }).ToArray();
        return new GeneratedEmbeddings<Embedding<float>>(Change is { } change ? change(vectors) : vectors)
        {
            Usage = new UsageDetails { InputTokenCount = tokens, TotalTokenCount = tokens },
        };
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(EmbeddingGeneratorMetadata) ? new EmbeddingGeneratorMetadata("openai", new Uri("https://api.openai.com/v1"), model)
        : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }
}
