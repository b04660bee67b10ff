using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>What the three embedding generators do with options and results: copy and clean.</summary>
internal static class EmbeddingOptions
{
    public static IReadOnlyList<string> AsList(IEnumerable<string> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return values as IReadOnlyList<string> ?? [.. values];
    }

    /// <summary>The options without what our generators tell each other; null stays null.</summary>
    public static EmbeddingGenerationOptions? WithoutOwnProperties(EmbeddingGenerationOptions? options)
    {
        if (options?.AdditionalProperties is null)
        {
            return options;
        }

        var rest = CostCarrier.WithoutOwn(options.AdditionalProperties);
        if (ReferenceEquals(rest, options.AdditionalProperties))
        {
            return options;
        }

        var copy = options.Clone();
        copy.AdditionalProperties = rest;
        return copy;
    }

    /// <summary>A copy of the result that carries the cost of its attempt.</summary>
    public static GeneratedEmbeddings<Embedding<float>> WithCost(GeneratedEmbeddings<Embedding<float>> embeddings, string attemptId, CallCost cost)
    {
        var properties = CostCarrier.WithoutOwn(embeddings.AdditionalProperties)?.Clone() ?? [];
        properties[CostCarrier.KeyOf(attemptId)] = CostCarrier.Write(cost);
        return new GeneratedEmbeddings<Embedding<float>>([.. embeddings]) { Usage = embeddings.Usage, AdditionalProperties = properties };
    }

    /// <summary>The generator itself when it is metered further in, else the generator with a meter around it.</summary>
    public static IEmbeddingGenerator<string, Embedding<float>> Metered(IEmbeddingGenerator<string, Embedding<float>> generator, LlmCosts costs)
    {
        ArgumentNullException.ThrowIfNull(generator);
        ArgumentNullException.ThrowIfNull(costs);
        costs.ThrowIfDisposed();
        costs.ThrowIfOther(generator.GetService<LlmCosts>());
        return generator.GetService<UsageMeteringEmbeddingGenerator>() is null ? new UsageMeteringEmbeddingGenerator(generator, costs) : generator;
    }
}
