using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Records every embedding request: its usage, its price, one row in the ledger. It belongs closest to the provider.</summary>
public sealed class UsageMeteringEmbeddingGenerator : DelegatingEmbeddingGenerator<string, Embedding<float>>
{
    private readonly LlmCosts _costs;
    private readonly ClientIdentity _client;
    private readonly bool _innerIsMeter;

    /// <summary>Meters a generator.</summary>
    /// <param name="innerGenerator">The generator to be metered.</param>
    /// <param name="costs">Where its calls are recorded.</param>
    /// <exception cref="InvalidOperationException">The inner generator is metered by another <see cref="LlmCosts"/>.</exception>
    public UsageMeteringEmbeddingGenerator(IEmbeddingGenerator<string, Embedding<float>> innerGenerator, LlmCosts costs)
        : base(innerGenerator)
    {
        ArgumentNullException.ThrowIfNull(costs);
        costs.ThrowIfOther(innerGenerator.GetService<LlmCosts>());
        _costs = costs;
        _client = ClientIdentity.Of(innerGenerator);
        _innerIsMeter = innerGenerator.GetService<UsageMeteringEmbeddingGenerator>() is not null;
        if (_innerIsMeter)
        {
            Log.MeteredInside(costs.Logger);
        }
    }

    /// <summary>The provider's name for prices and reports, where the generator does not know it or names a protocol instead of a vendor.</summary>
    /// <value>What the generator says in its <see cref="EmbeddingGeneratorMetadata"/>.</value>
    public string? ProviderName { get; set; }

    private ClientIdentity Client => _client.Called(ProviderName);

    /// <inheritdoc/>
    public override object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is null && serviceType == typeof(LlmCosts) ? _costs : base.GetService(serviceType, serviceKey);
    }

    /// <inheritdoc/>
    public override async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (_innerIsMeter)
        {
            return await base.GenerateAsync(values, options, cancellationToken);
        }

        cancellationToken.ThrowIfCancellationRequested();
        _costs.ThrowIfDisposed();
        var list = EmbeddingOptions.AsList(values);
        var model = options?.ModelId ?? Client.DefaultModel;
        var outer = CallToken.Find(_costs, options?.AdditionalProperties);
        using var own = outer is null ? CallToken.Begin(_costs, "embeddings", model) : null;
        var watch = (outer ?? own!).OuterOf("embeddings") is null or { HasEnded: true } ? RunWatch.Current : null;
        watch?.Admit([], model);
        var attempt = await _costs.Meter.BeginAsync(outer ?? own!, Client, "embeddings", model, maxOutputTokens: null, hasOutput: false,
            serviceTier: null, streamed: false, aggregated: false, () => RequestSize.Of(list), watch, cancellationToken);
        GeneratedEmbeddings<Embedding<float>> embeddings;
        try
        {
            CallToken.SetAmbient(attempt);
            embeddings = await InnerGenerator.GenerateAsync(list, EmbeddingOptions.WithoutOwnProperties(options), cancellationToken)
                ?? throw new InvalidOperationException($"{InnerGenerator.GetType()} returned no embeddings.");
        }
        catch (Exception exception)
        {
            await _costs.Meter.FailAsync(attempt, exception);
            throw;
        }

        if (attempt.HasEnded || await _costs.Meter.TryGiveBackAsync(attempt, CostCarrier.IsIn(embeddings.AdditionalProperties)))
        {
            return embeddings;
        }

        var cost = await _costs.Meter.CompleteAsync(attempt, new AnswerFacts
        {
            Model = embeddings.Count > 0 && embeddings[0].ModelId is { Length: > 0 } answered ? answered : null,
            Usage = _costs.Meter.Usage.Read(embeddings.Usage, Client),
        });
        return EmbeddingOptions.WithCost(embeddings, attempt.Id, cost ?? CallCost.Unknown);
    }
}
