using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>One caller's question on its way through the cache.</summary>
/// <remarks>
/// Whoever goes on using it when its caller has left borrows it. When the last one disposes it, its span ends, and if it led others and did not answer
/// them, one of them leads.
/// </remarks>
internal sealed class CacheQuestion : CacheSearch, IDisposable
{
    private readonly LlmCosts _costs;
    private readonly CallToken? _outer;
    private CallToken? _own;
    private int _users = 1;

    public CacheQuestion(LlmCosts costs, IReadOnlyList<ChatMessage> messages, ChatOptions? options, ClientIdentity client, in CacheEndpoint endpoint, CachePolicy policy,
        Attribution? attribution = null)
        : base(costs.Cache)
    {
        _costs = costs;
        _outer = CallToken.Find(costs, options?.AdditionalProperties);
        Messages = messages;
        Options = options;
        Model = options?.ModelId ?? client.DefaultModel;
        StartedAt = costs.Options.TimeProvider.GetTimestamp();
        Span = _outer?.Span ?? costs.Telemetry.Begin("chat", Model);
        Attribution = attribution ?? _outer?.Attribution ?? CostScope.Current;
        Plan = costs.Cache.Plan(messages, options, endpoint, Attribution.Tenant, policy);
    }

    public IReadOnlyList<ChatMessage> Messages { get; private set; }

    public ChatOptions? Options { get; }

    public override CachePlan Plan { get; }

    public string? Model { get; }

    public CallSpan Span { get; }

    public Attribution Attribution { get; }

    public long StartedAt { get; }

    /// <summary>Whether nobody waits for the answer: it replaces one that is about to expire.</summary>
    public bool IsRefresh { get; init; }

    /// <summary>The expired answer that is served because the provider failed; null when it did not, or there is none.</summary>
    public CacheHit? Stale { get; set; }

    /// <summary>Why the answer was not stored; null when it was, or is not known yet.</summary>
    public string? WhyNotStored { get; set; }

    /// <summary>Made only when the question leaves the cache.</summary>
    public CallToken Token => _outer ?? (_own ??= CallToken.Begin(_costs, Span, Attribution));

    /// <inheritdoc cref="CallToken.Served"/>
    public void Served() => _outer?.Served("chat");

    public CacheQuestion Borrow()
    {
        // The caller may leave while its call goes on for others, and then change its list and the messages in it: what is sent must stay what the key stands for.
        if (Flight is not null)
            Messages = [.. Messages.Select(ChatMessages.Copy)];

        Interlocked.Increment(ref _users);
        return this;
    }

    public void Dispose()
    {
        if (Interlocked.Decrement(ref _users) > 0)
            return;

        Flight?.Dispose();
        if (_own is not null)
            _own.Dispose();
        else if (_outer is null)
            Span.End();
    }
}
