using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Answers a question that was answered before from the cache, and lets identical calls that are under way share one request.</summary>
/// <remarks>
/// Everything that shapes an answer is part of the key; what cannot be keyed bypasses the cache. Only finished answers are stored. A hit is a fresh copy without
/// billable usage; <see cref="CostResponseExtensions.GetCost(ChatResponse)"/> says what it saved. A broken cache is a miss, never an error.
/// </remarks>
public sealed partial class CostCachingChatClient : DelegatingChatClient
{
    private readonly LlmCosts _costs;
    private readonly ClientIdentity _client;
    private readonly CacheEndpoint _endpoint;
    private CachePolicy _policy = CachePolicy.Default;

    /// <summary>Puts the cache of <paramref name="costs"/> in front of a client.</summary>
    /// <param name="innerClient">The client; it is metered further in, or metered here when it is not.</param>
    /// <param name="costs">Whose cache.</param>
    /// <exception cref="InvalidOperationException">The inner client is metered by another <see cref="LlmCosts"/>.</exception>
    public CostCachingChatClient(IChatClient innerClient, LlmCosts costs)
        : base(UseCostExtensions.Metered(innerClient, costs))
    {
        _costs = costs;
        _client = ClientIdentity.Of(innerClient);
        _endpoint = new CacheEndpoint(_client.Provider, _client.Uri, _client.DefaultModel);
        if (innerClient.GetService<FunctionInvokingChatClient>() is not null)
        {
            Log.CacheOutsideFunctionInvocation(costs.Logger);
        }
    }

    /// <summary>How long an answer may be served, unless the call says otherwise.</summary>
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

    /// <summary>The largest answer that is stored, in bytes of its stored form.</summary>
    /// <value>4 MB.</value>
    public int MaxAnswerBytes
    {
        get => _policy.MaxAnswerBytes;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _policy = _policy with { MaxAnswerBytes = value };
        }
    }

    /// <summary>Whether questions that point at media by address are cached, although what is there may change.</summary>
    /// <value>False.</value>
    public bool AllowUriContent
    {
        get => _policy.AllowUriContent;
        set => _policy = _policy with { AllowUriContent = value };
    }

    /// <summary>Whether only calls with a temperature of zero are cached.</summary>
    /// <value>False: any temperature is cached, each under its own key.</value>
    public bool OnlyDeterministic
    {
        get => _policy.OnlyDeterministic;
        set => _policy = _policy with { OnlyDeterministic = value };
    }

    /// <summary>Whether an answer that asks for function calls is stored.</summary>
    /// <value>False.</value>
    public bool StoreToolCalls
    {
        get => _policy.StoreToolCalls;
        set => _policy = _policy with { StoreToolCalls = value };
    }

    /// <summary>The last word on whether an answer is stored; asked only about answers that may be.</summary>
    /// <value>Null: all of them.</value>
    public Func<ChatResponse, bool>? ShouldStore
    {
        get => _policy.ShouldStore;
        set => _policy = _policy with { ShouldStore = value };
    }

    /// <inheritdoc/>
    public override object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is null && serviceType == typeof(LlmCosts) ? _costs : base.GetService(serviceType, serviceKey);
    }

    /// <inheritdoc/>
    public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _costs.ThrowIfDisposed();
        var list = ChatMessages.AsList(messages);
        using var question = new Question(this, list, options);
        if (await FindAsync(question, cancellationToken) is { } hit)
        {
            var served = Serve(question, hit);
            return ChatMessages.PutCost(hit.Response, served.Id, served.Cost);
        }

        var response = await InnerClient.GetResponseAsync(list, question.Token.Carry(options), cancellationToken);
        Keep(question, response);
        return response;
    }

    /// <inheritdoc/>
    public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return StreamAsync(messages, options, cancellationToken);
    }

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _costs.ThrowIfDisposed();
        var list = ChatMessages.AsList(messages);
        using var question = new Question(this, list, options);
        if (await FindAsync(question, cancellationToken) is { } hit)
        {
            var served = Serve(question, hit);
            ChatResponseUpdate? last = null;
            foreach (var update in hit.Response.ToChatResponseUpdates())
            {
                last = update;
                yield return update;
            }

            yield return ChatMessages.TrailingUpdate(served.Id, served.Cost, last);
            yield break;
        }

        var keeps = question.Plan.BypassReason is null;
        List<ChatResponseUpdate>? updates = keeps ? [] : null;
        await foreach (var update in InnerClient.GetStreamingResponseAsync(list, question.Token.Carry(options), cancellationToken))
        {
            updates?.Add(Snapshot(update));
            question.Flight?.Hold();
            yield return update;
            question.Flight?.Resume();
        }

        // Not reached when the reader leaves early or the stream breaks: a piece of an answer is never stored.
        if (updates is not null)
        {
            Keep(question, updates.ToChatResponse());
        }
    }

    // The reader may change what it was given before the stream has ended; the answer that is stored is the provider's.
    private static ChatResponseUpdate Snapshot(ChatResponseUpdate update)
    {
        var copy = update.Clone();
        copy.Contents = [.. update.Contents];
        for (var i = 0; i < copy.Contents.Count; i++)
        {
            if (copy.Contents[i] is TextContent text && text.GetType() == typeof(TextContent))
            {
                copy.Contents[i] = new TextContent(text.Text)
                {
                    Annotations = text.Annotations,
                    RawRepresentation = text.RawRepresentation,
                    AdditionalProperties = text.AdditionalProperties,
                };
            }
        }

        return copy;
    }

    /// <summary>The stored answer, or the one that an identical call is about to get; null when this call has to ask.</summary>
    private async ValueTask<CacheHit?> FindAsync(Question question, CancellationToken cancellationToken)
    {
        var plan = question.Plan;
        if (!plan.CanRead)
        {
            var reason = plan.BypassReason;
            Report(question, reason is null ? CacheOutcome.Miss : CacheOutcome.Bypass, reason);
            return null;
        }

        while (true)
        {
            if (await _costs.Cache.FindAsync(plan, cancellationToken) is { } hit)
            {
                return hit;
            }

            var flight = _costs.Cache.Enter(plan.Key);
            if (flight.IsLeader)
            {
                question.Flight = flight;

                // Another leader may have landed between the look and the entry.
                if (await _costs.Cache.FindAsync(plan, cancellationToken) is { } late)
                {
                    flight.Complete(late);
                    return late;
                }

                Report(question, CacheOutcome.Miss, null);
                return null;
            }

            if (await flight.WaitAsync(cancellationToken) is { } shared)
            {
                if (!_costs.Cache.IsInvalidated(shared))
                {
                    return shared;
                }

                // It was asked before an invalidation that this caller may have come after.
                continue;
            }

            if (flight.IsUnshareable || flight.GaveUp)
            {
                // The answer was one that only its own caller may have; those who waited ask at once instead of one after the other.
                Report(question, CacheOutcome.Miss, null);
                return null;
            }
        }
    }

    private UsageRecord Serve(Question question, CacheHit hit)
    {
        var now = _costs.Options.TimeProvider.GetUtcNow();
        var (saved, avoided) = _costs.Savings.Of(question.Plan.Key, hit.Answer, _client, now);
        var record = new UsageRecord
        {
            Id = CallToken.NewId(),
            At = now,
            Operation = "chat",
            Provider = _client.ProviderName,
            RequestedModel = question.Model,
            Model = hit.Response.ModelId ?? question.Model,
            Status = hit.Layer == CacheLayer.Coalesced ? CallStatus.Coalesced : CallStatus.Cached,
            Cost = new CallCost
            {
                Certainty = CostCertainty.Known,
                Amount = Money.Zero,
                Saved = saved,
                CacheLayer = hit.Layer,
                Usage = hit.Original.Usage,
                PriceRevision = avoided.PriceRevision,
                Reason = avoided.Reason,
            },
            FinishReason = hit.Response.FinishReason?.Value,
            Latency = _costs.Options.TimeProvider.GetElapsedTime(question.StartedAt),
            Attribution = question.Attribution,
            TraceId = question.Span.TraceId,
            SpanId = question.Span.SpanId,
        };
        _costs.Store.AppendLater(record);
        MeterWatch.Current?.End(record.Cost, record.FinishReason);
        var outcome = hit.Layer == CacheLayer.Coalesced ? CacheOutcome.Coalesced : CacheOutcome.Hit;
        _costs.Telemetry.Cache(question.Span, outcome, hit.Layer, saved, "chat", _client.ProviderName, question.Model);
        return record;
    }

    private void Keep(Question question, ChatResponse response)
    {
        // A cheaper model's answer is not the answer to what was asked of the dearer one.
        if (question.Token.FellBack)
        {
            question.Flight?.CompleteUnshareable();
            return;
        }

        var (cost, purchase) = (response.GetCost(), question.Token.Purchase);
        if (_costs.Cache.Store(question.Plan, response, cost, purchase) is { } whyNot && question.Plan.BypassReason is null)
        {
            Log.AnswerNotStored(_costs.Logger, whyNot);
        }

        question.Flight?.Complete(question.Plan, response, cost, purchase);
    }

    private void Report(Question question, CacheOutcome outcome, string? reason)
    {
        if (reason is not null)
        {
            Log.CacheBypassed(_costs.Logger, reason);
        }

        _costs.Telemetry.Cache(question.Span, outcome, CacheLayer.None, Money.Zero, "chat", _client.ProviderName, question.Model, reason);
    }

    /// <summary>One caller's question on its way through the cache. Disposing it ends its span and, if it led others and did not answer them, lets one of them lead.</summary>
    private sealed class Question : IDisposable
    {
        private readonly CostCachingChatClient _owner;
        private readonly CallToken? _outer;
        private CallToken? _own;

        public Question(CostCachingChatClient owner, IReadOnlyList<ChatMessage> messages, ChatOptions? options)
        {
            _owner = owner;
            _outer = CallToken.Find(options?.AdditionalProperties);
            Model = options?.ModelId ?? owner._client.DefaultModel;
            StartedAt = owner._costs.Options.TimeProvider.GetTimestamp();
            Span = _outer?.Span ?? owner._costs.Telemetry.Begin("chat", Model);
            Attribution = _outer?.Attribution ?? CostScope.Current;
            Plan = owner._costs.Cache.Plan(messages, options, owner._endpoint, Attribution.Tenant, owner._policy);
        }

        public CachePlan Plan { get; }

        public string? Model { get; }

        public CallSpan Span { get; }

        public Attribution Attribution { get; }

        public long StartedAt { get; }

        public CacheFlight? Flight { get; set; }

        /// <summary>Made only when the question leaves the cache.</summary>
        public CallToken Token => _outer ?? (_own ??= CallToken.Begin(_owner._costs, Span, Attribution));

        public void Dispose()
        {
            Flight?.Dispose();
            if (_own is not null)
            {
                _own.Dispose();
            }
            else if (_outer is null)
            {
                Span.End();
            }
        }
    }
}
