using System.Text;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Answers each text that was embedded before from the cache and asks only for the others; the order is kept.</summary>
/// <remarks>
/// A text that occurs twice, or that another call is just asking for, is asked for once. The usage of the result is that of the texts that were asked for; it is
/// null when none was. A broken cache is a miss, never an error. Vectors that are empty, zero, not finite or of other dimensions than were asked for are
/// returned but not stored.
/// </remarks>
public sealed class CostCachingEmbeddingGenerator : DelegatingEmbeddingGenerator<string, Embedding<float>>
{
    private readonly LlmCosts _costs;
    private readonly ClientIdentity _client;
    private readonly UsageMeteringEmbeddingGenerator? _meter;
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
        _meter = InnerGenerator.GetService(typeof(UsageMeteringEmbeddingGenerator)) as UsageMeteringEmbeddingGenerator;
        _endpoint = new CacheEndpoint(_client.Provider ?? ClientIdentity.TypeOf(innerGenerator), _client.Uri, _client.DefaultModel);
    }

    // What is answered from here is filed under the same name as what is asked.
    private ClientIdentity Client => _client.Called(_meter?.ProviderName);

    private string? ProviderName => _meter?.ProviderName ?? _client.ProviderName;

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
        var outer = CallToken.Find(_costs, options?.AdditionalProperties);
        var attribution = outer?.Attribution ?? CostScope.Current;
        var span = outer?.Span ?? _costs.Telemetry.Begin("embeddings", model);
        using var own = outer is null ? CallToken.Begin(_costs, span, attribution) : null;
        var token = outer ?? own!;
        using var batch = new EmbeddingBatch(list, text => _costs.Cache.PlanEmbedding(text, options, _endpoint, attribution.Tenant, _policy));

        var result = new GeneratedEmbeddings<Embedding<float>>(list.Count);
        do
        {
            // What we lead is asked for before we wait for what others ask: two batches with texts in common never wait for each other.
            var asked = await batch.LookUpAsync(_costs.Cache, cancellationToken);
            if (asked.Count > 0 || list.Count == 0)
            {
                foreach (var item in asked)
                {
                    item.Flight?.SetLeading();
                }

                await AskAsync(asked, result, token, options, cancellationToken);
            }

            await batch.FollowAsync(_costs.Cache, cancellationToken);
        }
        while (batch.IsOpen);

        batch.CopyTo(result);
        if (Serve(batch, token, span, attribution, model) is { } served)
        {
            Note(result, CostCarrier.KeyOf(served.Id), CostCarrier.Write(served.Cost));
        }

        if (batch.WhyBypassed is { } reason)
        {
            Log.CacheBypassed(_costs.Logger, reason);
            Note(result, CostCarrier.BypassKeyOf(token.Id), reason);
        }

        return result;
    }

    /// <summary>Asks the provider; when it fails, expired vectors may stand in.</summary>
    private async Task AskAsync(List<EmbeddingItem> asked, GeneratedEmbeddings<Embedding<float>> result, CallToken token, EmbeddingGenerationOptions? options, CancellationToken cancellationToken)
    {
        GeneratedEmbeddings<Embedding<float>> answers;
        try
        {
            answers = await InnerGenerator.GenerateAsync(asked.Select(item => item.Text).ToList(), token.Carry(options), cancellationToken);
        }
        catch (Exception exception)
        {
            if (EmbeddingBatch.TryServeStale(_costs.Cache, asked, exception, cancellationToken))
                return;

            EmbeddingBatch.Fail(asked, exception, cancellationToken);
            throw;
        }

        if (answers.Count != asked.Count)
        {
            throw new InvalidOperationException($"The generator was asked for {asked.Count} embeddings and returned {answers.Count}. It is not known whose are missing; none was stored.");
        }

        Add(result, answers);
        Keep(asked, answers, token, options?.Dimensions);
    }

    /// <summary>Counts what the cache did; a row in the ledger when it answered something.</summary>
    private UsageRecord? Serve(EmbeddingBatch batch, CallToken token, CallSpan span, Attribution attribution, string? model)
    {
        var now = _costs.Options.TimeProvider.GetUtcNow();
        var saved = Money.Zero;
        var layer = CacheLayer.None;
        string? reason = null;
        foreach (var item in batch.Items)
        {
            if (item.Hit is not { } hit)
            {
                var bypass = item.Plan.BypassReason;
                _costs.Telemetry.Cache(span, bypass is null ? CacheOutcome.Miss : CacheOutcome.Bypass, CacheLayer.None, Money.Zero, "embeddings", ProviderName, model, bypass);
                continue;
            }

            // Where some came from the cache and some from another caller, the cache is named.
            layer = layer is CacheLayer.None or CacheLayer.Coalesced ? hit.Layer : layer;
            var (itemSaved, avoided) = _costs.Savings.Of(item.Plan.Key, hit.Answer, Client, now);
            saved += itemSaved;
            reason ??= hit.StaleReason ?? avoided.Reason;
            _costs.Cache.Used(item.Plan.Key, itemSaved);
            var outcome = hit.StaleReason is not null ? CacheOutcome.Stale : hit.Layer == CacheLayer.Coalesced ? CacheOutcome.Coalesced : CacheOutcome.Hit;
            _costs.Telemetry.Cache(span, outcome, hit.Layer, itemSaved, "embeddings", ProviderName, model);
        }

        if (layer == CacheLayer.None)
        {
            return null;
        }

        var record = new UsageRecord
        {
            Id = CallToken.NewId(),
            CallId = token.Id,
            At = now,
            Operation = "embeddings",
            Provider = ProviderName,
            RequestedModel = model,
            Model = model,
            Status = layer == CacheLayer.Coalesced ? CallStatus.Coalesced : CallStatus.Cached,
            Cost = CallCost.Known(Money.Zero) with { Saved = saved, CacheLayer = layer, Reason = reason },
            Attribution = attribution,
            TraceId = span.TraceId,
            SpanId = span.SpanId,
        };
        token.Served("embeddings");
        _costs.Store.AppendLater(record);
        return record;
    }

    private void Keep(List<EmbeddingItem> asked, GeneratedEmbeddings<Embedding<float>> answers, CallToken token, int? dimensions)
    {
        var cost = answers.GetCost();
        var bytes = asked.Sum(item => (long)Encoding.UTF8.GetByteCount(item.Text));
        for (var i = 0; i < asked.Count; i++)
        {
            var (item, answer) = (asked[i], answers[i]);
            item.Embedding = answer;
            if (token.FellBack)
            {
                // Another model's vector is not the answer to what was asked.
                item.Flight?.CompleteUnshareable();
                continue;
            }

            var share = Share(cost, Encoding.UTF8.GetByteCount(item.Text), bytes);
            var whyNot = dimensions is { } wanted && answer.Vector.Length != wanted
                ? "the embedding has other dimensions than were asked for"
                : _costs.Cache.StoreEmbedding(item.Plan, answer, share, token.Purchase);
            if (whyNot is not null && item.Plan.BypassReason is null && item.Plan.CanStore)
            {
                Log.AnswerNotStored(_costs.Logger, whyNot);
                item.Flight?.CompleteUnshareable();
            }
            else
            {
                item.Share(StoredAnswer.Copy(answer, item.Plan, share, _costs.Options.TimeProvider.GetUtcNow(), token.Purchase));
            }
        }
    }

    private static void Add(GeneratedEmbeddings<Embedding<float>> result, GeneratedEmbeddings<Embedding<float>> answers)
    {
        if (answers.Usage is { } usage)
        {
            // A copy: whoever counted it further in may still hold it.
            result.Usage ??= new UsageDetails();
            result.Usage.Add(usage);
        }

        foreach (var (key, value) in answers.AdditionalProperties ?? [])
        {
            (result.AdditionalProperties ??= [])[key] = value;
        }
    }

    private static void Note(GeneratedEmbeddings<Embedding<float>> result, string key, string text) => (result.AdditionalProperties ??= [])[key] = text;

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
