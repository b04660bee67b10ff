using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Sends an embedding request again when its failure may pass; each try is an attempt with a row of its own, as with <see cref="RetryingChatClient"/>.</summary>
public sealed class RetryingEmbeddingGenerator : DelegatingEmbeddingGenerator<string, Embedding<float>>
{
    private readonly LlmCosts _costs;
    private readonly string? _defaultModel;
    private readonly RetryPlan _plan;

    /// <summary>Has a generator try again.</summary>
    /// <param name="innerGenerator">The generator; it is metered further in, or metered here when it is not.</param>
    /// <param name="costs">Where the tries are recorded.</param>
    /// <param name="options">What is tried again and when; <see cref="LlmCostsOptions.Retries"/> when null. Later changes have no effect.</param>
    /// <exception cref="InvalidOperationException">The inner generator is metered by another <see cref="LlmCosts"/>.</exception>
    public RetryingEmbeddingGenerator(IEmbeddingGenerator<string, Embedding<float>> innerGenerator, LlmCosts costs, RetryOptions? options = null)
        : base(EmbeddingOptions.Metered(innerGenerator, costs))
    {
        _costs = costs;
        _defaultModel = ClientIdentity.Of(innerGenerator).DefaultModel;
        _plan = new RetryPlan(costs, (options ?? costs.Options.Retries).Copy());
    }

    /// <inheritdoc/>
    public override async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _costs.ThrowIfDisposed();
        var list = EmbeddingOptions.AsList(values);
        using var own = CallToken.Find(_costs, options?.AdditionalProperties) is null ? CallToken.Begin(_costs, "embeddings", options?.ModelId ?? _defaultModel) : null;
        var carried = own is null ? options : own.Carry(options);
        return await _plan.SendAsync(async cancel => await base.GenerateAsync(list, carried, cancel), cancellationToken);
    }
}
