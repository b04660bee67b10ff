using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Holds what an embedding request can cost before it is sent, and refuses what the budgets do not allow.</summary>
public sealed class BudgetEmbeddingGenerator : DelegatingEmbeddingGenerator<string, Embedding<float>>
{
    private readonly LlmCosts _costs;
    private readonly ClientIdentity _client;
    private readonly UsageMeteringEmbeddingGenerator? _meter;

    /// <summary>Puts a generator under the budgets of <paramref name="costs"/>.</summary>
    /// <param name="innerGenerator">The generator; it is metered further in, or metered here when it is not.</param>
    /// <param name="costs">Whose budgets.</param>
    /// <exception cref="InvalidOperationException">The inner generator is metered by another <see cref="LlmCosts"/>.</exception>
    public BudgetEmbeddingGenerator(IEmbeddingGenerator<string, Embedding<float>> innerGenerator, LlmCosts costs)
        : base(EmbeddingOptions.Metered(innerGenerator, costs))
    {
        _costs = costs;
        _client = ClientIdentity.Of(innerGenerator);

        // Also the one that was put around it here: a later UseUsageMetering() gives it its name.
        _meter = InnerGenerator.GetService(typeof(UsageMeteringEmbeddingGenerator)) as UsageMeteringEmbeddingGenerator;
    }

    /// <inheritdoc/>
    public override object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is null && serviceType == typeof(LlmCosts) ? _costs : base.GetService(serviceType, serviceKey);
    }

    /// <inheritdoc/>
    /// <exception cref="BudgetExceededException">The request does not fit a budget. Nothing was sent.</exception>
    /// <exception cref="UnknownPriceException">The price is not known, so a budget cannot hold the request. Nothing was sent.</exception>
    /// <exception cref="StoreUnavailableException">The ledger cannot be used, so a budget cannot be checked. Nothing was sent.</exception>
    public override async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _costs.ThrowIfDisposed();
        var list = EmbeddingOptions.AsList(values);
        var model = options?.ModelId ?? _client.DefaultModel;
        var outer = CallToken.Find(_costs, options?.AdditionalProperties);
        using var own = outer is null ? CallToken.Begin(_costs, "embeddings", model) : null;
        var token = outer ?? own!;
        if (token.Budget is { IsOver: false })
        {
            return await base.GenerateAsync(list, options, cancellationToken);
        }

        var demand = new BudgetDemand
        {
            CallId = token.Id,
            Operation = "embeddings",
            Attribution = token.Attribution,
            Client = _client.Called(_meter?.ProviderName),
            Model = model,
            Size = _costs.Budgets.HasBudgets ? RequestSize.Of(list) : RequestSize.Empty,
            HasOutput = false,
        };
        await using var pass = await _costs.Budgets.AdmitAsync(demand, token.Span, cancellationToken);
        token.Budget = pass;
        var carried = token.Carry(options);
        carried.ModelId = pass.FallbackModel ?? carried.ModelId;
        return await InnerGenerator.GenerateAsync(list, carried, cancellationToken);
    }
}
