using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Makes embedding requests wait for their turn, first come, first served; the same limits as <see cref="RateLimitingChatClient"/> keeps.</summary>
public sealed class RateLimitingEmbeddingGenerator : DelegatingEmbeddingGenerator<string, Embedding<float>>
{
    private readonly LlmCosts _costs;
    private readonly ClientIdentity _client;
    private readonly UsageMeteringEmbeddingGenerator? _meter;
    private readonly RateGuard _guard;

    /// <summary>Paces a generator.</summary>
    /// <param name="innerGenerator">The generator; it is metered further in, or metered here when it is not.</param>
    /// <param name="costs">Who keeps count: clients and generators that share it and give the same limits share what is left of them.</param>
    /// <param name="options">The limits; those of <see cref="LlmCostsOptions.RateLimiting"/> when null. Later changes have no effect.</param>
    /// <exception cref="InvalidOperationException">The inner generator is metered by another <see cref="LlmCosts"/>.</exception>
    public RateLimitingEmbeddingGenerator(IEmbeddingGenerator<string, Embedding<float>> innerGenerator, LlmCosts costs, RateLimitOptions? options = null)
        : base(EmbeddingOptions.Metered(innerGenerator, costs))
    {
        _costs = costs;
        _client = ClientIdentity.Of(innerGenerator);
        _meter = innerGenerator.GetService(typeof(UsageMeteringEmbeddingGenerator)) as UsageMeteringEmbeddingGenerator;
        _guard = new RateGuard(costs, (options ?? costs.Options.RateLimiting).Copy());
    }

    /// <inheritdoc/>
    /// <exception cref="QuotaExceededException">The request may not be sent, or its turn comes too late. Nothing was sent.</exception>
    /// <exception cref="UnknownPriceException">A limit counts dollars and the price is not known. Nothing was sent.</exception>
    public override async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _costs.ThrowIfDisposed();
        var list = EmbeddingOptions.AsList(values);
        var client = _meter?.ProviderName is { } name ? _client with { Provider = name, IsKnown = true } : _client;
        var demand = new RateDemand
        {
            Operation = "embeddings",
            Client = client,
            Model = options?.ModelId ?? _client.DefaultModel,
            Attribution = CallToken.Find(_costs, options?.AdditionalProperties)?.Attribution ?? CostScope.Current,
            Measure = () => RequestSize.Of(list),
            HasOutput = false,
        };
        using var turn = await _guard.EnterAsync(demand, cancellationToken);
        try
        {
            var embeddings = await base.GenerateAsync(list, options, cancellationToken);
            turn.Settle(embeddings.GetCost());
            return embeddings;
        }
        catch (Exception exception)
        {
            turn.Fail(exception, client);
            throw;
        }
    }
}
