using System.Text;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Answers each text that was embedded before from the cache and asks only for the others; the order is kept.</summary>
/// <remarks>The usage of the result is that of the texts that were asked for; it is null when none was. A broken cache is a miss, never an error.</remarks>
public sealed class CostCachingEmbeddingGenerator : DelegatingEmbeddingGenerator<string, Embedding<float>>
{
    private readonly LlmCosts _costs;
    private readonly ClientIdentity _client;
    private readonly CacheEndpoint _endpoint;
    private CachePolicy _policy = CachePolicy.Default;

    /// <summary>Puts the cache of <paramref name="costs"/> in front of a generator.</summary>
    /// <param name="innerGenerator">The generator; it is metered further in, or metered here when it is not.</param>
    /// <param name="costs">Whose cache.</param>
    /// <exception cref="InvalidOperationException">The inner generator is metered by another <see cref="LlmCosts"/>.</exception>
    public CostCachingEmbeddingGenerator(IEmbeddingGenerator<string, Embedding<float>> innerGenerator, LlmCosts costs)
        : base(EmbeddingOptions.Metered(innerGenerator, costs))
    {
        _costs = costs;
        _client = ClientIdentity.Of(innerGenerator);
        _endpoint = new CacheEndpoint(_client.Provider, _client.Uri, _client.DefaultModel);
    }

    /// <summary>How long an embedding may be served, unless the call says otherwise.</summary>
    /// <value>24 hours; more than zero, at most 365 days.</value>
    public TimeSpan TimeToLive
    {
        get => _policy.TimeToLive;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(value, TimeSpan.Zero);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, CachePolicy.LongestTimeToLive);
            _policy = _policy with { TimeToLive = value };
        }
    }

    /// <inheritdoc/>
    public override object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is null && serviceType == typeof(LlmCosts) ? _costs : base.GetService(serviceType, serviceKey);
    }

    /// <inheritdoc/>
    public override async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _costs.ThrowIfDisposed();
        var list = EmbeddingOptions.AsList(values);
        var model = options?.ModelId ?? _client.DefaultModel;
        var outer = CallToken.Find(options?.AdditionalProperties);
        var attribution = outer?.Attribution ?? CostScope.Current;
        var span = outer?.Span ?? _costs.Telemetry.Begin("embeddings", model);
        using var own = outer is null ? CallToken.Begin(_costs, span, attribution) : null;
        var token = outer ?? own!;

        var found = new Embedding<float>?[list.Count];
        var plans = new CachePlan[list.Count];
        var asked = new List<int>();
        var saved = Money.Zero;
        var layer = CacheLayer.None;
        string? reason = null;
        for (var i = 0; i < list.Count; i++)
        {
            plans[i] = _costs.Cache.PlanEmbedding(list[i], options, _endpoint, attribution.Tenant, _policy);
            if (plans[i].CanRead && await _costs.Cache.FindEmbeddingAsync(plans[i], cancellationToken) is { } hit)
            {
                found[i] = hit.Embedding;
                layer = hit.Layer;
                var (itemSaved, avoided) = _costs.Savings.Of(plans[i].Key, hit.Answer, _client, _costs.Options.TimeProvider.GetUtcNow());
                saved += itemSaved;
                reason ??= avoided.Reason;
                _costs.Telemetry.Cache(span, CacheOutcome.Hit, hit.Layer, itemSaved, "embeddings", _client.ProviderName, model);
            }
            else
            {
                asked.Add(i);
                var bypass = plans[i].BypassReason;
                _costs.Telemetry.Cache(span, bypass is null ? CacheOutcome.Miss : CacheOutcome.Bypass, CacheLayer.None, Money.Zero, "embeddings", _client.ProviderName, model, bypass);
            }
        }

        var result = new GeneratedEmbeddings<Embedding<float>>(list.Count);
        var hits = list.Count - asked.Count;
        if (asked.Count > 0 || list.Count == 0)
        {
            var texts = asked.Select(i => list[i]).Distinct(StringComparer.Ordinal).ToList();
            var answers = await InnerGenerator.GenerateAsync(asked.Count == list.Count && texts.Count == list.Count ? list : texts, token.Carry(options), cancellationToken);
            if (answers.Count != texts.Count)
            {
                throw new InvalidOperationException($"The generator was asked for {texts.Count} embeddings and returned {answers.Count}.");
            }

            result.Usage = answers.Usage;
            result.AdditionalProperties = answers.AdditionalProperties;
            Distribute(list, plans, found, asked, texts, answers, token);
        }

        for (var i = 0; i < list.Count; i++)
        {
            result.Add(found[i]!);
        }

        if (hits == 0)
        {
            return result;
        }

        var record = new UsageRecord
        {
            Id = CallToken.NewId(),
            CallId = token.Id,
            At = _costs.Options.TimeProvider.GetUtcNow(),
            Operation = "embeddings",
            Provider = _client.ProviderName,
            RequestedModel = model,
            Model = model,
            Status = CallStatus.Cached,
            Cost = CallCost.Known(Money.Zero) with { Saved = saved, CacheLayer = layer, Reason = reason },
            Attribution = attribution,
            TraceId = span.TraceId,
            SpanId = span.SpanId,
        };
        _costs.Store.AppendLater(record);
        var properties = result.AdditionalProperties?.Clone() ?? [];
        properties[CostCarrier.KeyOf(record.Id)] = CostCarrier.Write(record.Cost);
        result.AdditionalProperties = properties;
        return result;
    }

    private void Distribute(IReadOnlyList<string> list, CachePlan[] plans, Embedding<float>?[] found, List<int> asked, List<string> texts, GeneratedEmbeddings<Embedding<float>> answers, CallToken token)
    {
        var position = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < texts.Count; i++)
        {
            position[texts[i]] = i;
        }

        var cost = answers.GetCost();
        var bytes = texts.Sum(text => (long)Encoding.UTF8.GetByteCount(text));
        foreach (var i in asked)
        {
            var answer = answers[position[list[i]]];
            found[i] = answer;
            if (!token.FellBack)
            {
                _costs.Cache.StoreEmbedding(plans[i], answer, Share(cost, Encoding.UTF8.GetByteCount(list[i]), bytes), token.Purchase);
            }
        }
    }

    // Usage is reported for the whole request; each text is taken to have cost in proportion to its length, rounded down so that savings are not overstated.
    private static CallCost Share(CallCost cost, long part, long whole)
    {
        if (cost.Certainty == CostCertainty.Unknown || whole == 0)
        {
            return cost with { Usage = TokenUsage.None };
        }

        var low = Money.FromNanos((long)((Int128)cost.Low.Nanos * part / whole));
        var high = Money.FromNanos((long)((Int128)cost.High.Nanos * part / whole));
        var tokens = (long)((Int128)cost.Usage.UncachedInputTokens * part / whole);
        return cost with { Amount = high, Low = low, High = high, Usage = new TokenUsage { UncachedInputTokens = tokens } };
    }
}
