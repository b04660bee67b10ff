using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Sends a request again when its failure may pass: too many requests, a server's error, a time-out, a broken connection.</summary>
/// <remarks>
/// <para>Each try is an attempt of the same call with a ledger row of its own, and is held to the budgets before it is sent: a failure that the provider may have billed is
/// booked before the next try. It belongs inside <c>UseCostCache()</c> and <c>UseBudget()</c> and outside <c>UseRateLimit()</c>; it brings the meter along and keeps it inside,
/// so that no retry is hidden. Switch the retries of the provider's SDK off: those are seen by nobody.</para>
/// <para>A stream is tried again until its first piece has been handed out, and never after. What budgets, rate limits and guards refuse is not tried again.</para>
/// </remarks>
public sealed class RetryingChatClient : DelegatingChatClient
{
    private readonly LlmCosts _costs;
    private readonly string? _defaultModel;
    private readonly bool _hasRounds;
    private readonly RetryPlan _plan;

    /// <summary>Has a client try again.</summary>
    /// <param name="innerClient">The client; it is metered further in, or metered here when it is not.</param>
    /// <param name="costs">Where the tries are recorded.</param>
    /// <param name="options">What is tried again and when; <see cref="LlmCostsOptions.Retries"/> when null. Later changes have no effect.</param>
    /// <exception cref="InvalidOperationException">The inner client is metered by another <see cref="LlmCosts"/>.</exception>
    public RetryingChatClient(IChatClient innerClient, LlmCosts costs, RetryOptions? options = null)
        : base(UseCostExtensions.Metered(innerClient, costs))
    {
        _costs = costs;
        _defaultModel = ClientIdentity.Of(innerClient).DefaultModel;
        _plan = new RetryPlan(costs, (options ?? costs.Options.Retries).Copy());
        _hasRounds = innerClient.GetService<FunctionInvokingChatClient>() is not null;
        if (_hasRounds)
        {
            Log.RetryOutsideFunctionInvocation(costs.Logger);
        }
    }

    /// <inheritdoc/>
    public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _costs.ThrowIfDisposed();
        var list = ChatMessages.AsList(messages);
        using var token = Begin(options);
        var carried = Carried(token, options);
        return await _plan.SendAsync(async cancel => await base.GetResponseAsync(list, carried, cancel), cancellationToken);
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
        using var token = Begin(options);
        var carried = Carried(token, options);
        await using var stream = await _plan.SendAsync(
            async _ => await OpenedStream.OpenAsync(base.GetStreamingResponseAsync(list, carried, cancellationToken), cancellationToken), cancellationToken);
        while (await stream.MoveNextAsync())
        {
            yield return stream.Current;
        }
    }

    // The tries of a call are its attempts, so they need a call. The rounds of function invocation further in are calls of their own, and so is a try that a door further out has begun.
    private CallToken? Begin(ChatOptions? options) =>
        _hasRounds || CallToken.Find(_costs, options?.AdditionalProperties) is not null ? null : CallToken.Begin(_costs, "chat", options?.ModelId ?? _defaultModel);

    private static ChatOptions? Carried(CallToken? own, ChatOptions? options) => own is null ? options : own.Carry(options);
}
