using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace LlmCostCache.AI;

/// <summary>Records every request to a provider: its usage, its price, one row in the ledger. It belongs closest to the provider.</summary>
/// <remarks>
/// <c>UseCostCache()</c> and <c>UseBudget()</c> bring it along. When several meters are stacked, or hidden behind a router, the innermost one records and the
/// others stay silent. A failing ledger never costs the caller an answer that was paid for.
/// </remarks>
public sealed class UsageMeteringChatClient : DelegatingChatClient
{
    private readonly LlmCosts _costs;
    private readonly ClientIdentity _client;
    private readonly bool _innerIsMeter;
    private readonly FunctionInvokingChatClient? _functionInvocation;

    /// <summary>Meters a client.</summary>
    /// <param name="innerClient">The client to be metered.</param>
    /// <param name="costs">Where its calls are recorded.</param>
    /// <exception cref="InvalidOperationException">The inner client is metered by another <see cref="LlmCosts"/>.</exception>
    public UsageMeteringChatClient(IChatClient innerClient, LlmCosts costs)
        : base(innerClient)
    {
        ArgumentNullException.ThrowIfNull(costs);
        costs.ThrowIfOther(innerClient.GetService<LlmCosts>());
        _costs = costs;
        _client = ClientIdentity.Of(innerClient);
        _innerIsMeter = innerClient.GetService<UsageMeteringChatClient>() is not null;
        if (_innerIsMeter)
        {
            Log.MeteredInside(costs.Logger);
        }

        _functionInvocation = _innerIsMeter ? null : innerClient.GetService<FunctionInvokingChatClient>();
        if (_functionInvocation is not null)
        {
            Log.MeterOutsideFunctionInvocation(costs.Logger);
        }
    }

    /// <summary>The provider's name for prices and reports, where the client does not know it or names a protocol instead of a vendor.</summary>
    /// <value>What the client says in its <see cref="ChatClientMetadata"/>.</value>
    public string? ProviderName { get; set; }

    private ClientIdentity Client => _client.Called(ProviderName);

    /// <inheritdoc/>
    public override object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is null && serviceType == typeof(LlmCosts) ? _costs : base.GetService(serviceType, serviceKey);
    }

    /// <inheritdoc/>
    public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (_innerIsMeter)
        {
            return await base.GetResponseAsync(messages, options, cancellationToken);
        }

        cancellationToken.ThrowIfCancellationRequested();
        _costs.ThrowIfDisposed();
        var list = ChatMessages.AsList(messages);
        var outer = CallToken.Find(_costs, options?.AdditionalProperties);
        using var own = outer is null ? CallToken.Begin(_costs, "chat", options?.ModelId ?? Client.DefaultModel) : null;
        var token = outer ?? own!;
        var attempt = await BeginAsync(token, list, options, streamed: false, cancellationToken);
        ChatResponse response;
        try
        {
            CallToken.SetAmbient(_functionInvocation is null ? attempt : null);
            response = await InnerClient.GetResponseAsync(ChatMessages.WithoutOwnProperties(list), Sent(attempt, options), cancellationToken)
                ?? throw new InvalidOperationException($"{InnerClient.GetType()} returned no response.");
        }
        catch (Exception exception)
        {
            await _costs.Meter.FailAsync(attempt, exception);
            throw;
        }

        if (await _costs.Meter.TryGiveBackAsync(attempt, CostCarrier.IsIn(response)))
        {
            return response;
        }

        var usage = _costs.Meter.Usage.Read(response, Client, out var raw);
        var facts = new AnswerFacts
        {
            Model = response.ModelId is { Length: > 0 } model ? model : null,
            ResponseId = response.ResponseId,
            FinishReason = response.FinishReason?.Value,
            ServiceTier = raw.ServiceTier,
            Region = raw.Region,
            RequestedTier = RequestedTier.Of(options),
            Usage = usage,
            OutputBytes = response.Messages.Sum(message => ChatMessages.OutputBytes(message.Contents)),
            IsUnderWay = response.ContinuationToken is not null,
            HasReasoning = response.Messages.Any(message => HiddenReasoning.IsShownBy(message.Contents)),
            Text = () => CountableText.Of(list, options, response.Messages.SelectMany(message => message.Contents)),
            LeastOutput = () => LeastTokens.Of(response.Messages.SelectMany(message => message.Contents)),
        };
        if (!attempt.HasEnded)
        {
            return ChatMessages.WithCost(response, attempt.Id, await _costs.Meter.CompleteAsync(attempt, facts) ?? CallCost.Unknown);
        }

        // An answer that carries a cost was counted further in, or came out of a cache.
        return !CostCarrier.IsIn(response) && await _costs.Meter.CompleteOtherAsync(attempt, facts) is var (id, cost)
            ? ChatMessages.WithCost(response, id, cost)
            : response;
    }

    /// <inheritdoc/>
    public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        return _innerIsMeter ? base.GetStreamingResponseAsync(messages, options, cancellationToken) : StreamAsync(messages, options, cancellationToken);
    }

    private async IAsyncEnumerable<ChatResponseUpdate> StreamAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _costs.ThrowIfDisposed();
        var list = ChatMessages.AsList(messages);
        var outer = CallToken.Find(_costs, options?.AdditionalProperties);
        using var own = outer is null ? CallToken.Begin(_costs, "chat", options?.ModelId ?? Client.DefaultModel) : null;
        var token = outer ?? own!;
        var attempt = await BeginAsync(token, list, options, streamed: true, cancellationToken);
        var reading = new StreamReading(_costs.Options.TimeProvider, attempt.StartedAt);
        CallCost? cost = null;
        var id = attempt.Id;
        try
        {
            var updates = await OpenAsync(attempt, list, options, cancellationToken);
            await using (updates.ConfigureAwait(true))
            {
                while (await MoveNextAsync(updates, attempt, reading))
                {
                    var update = updates.Current;
                    reading.Read(update);
                    await _costs.Meter.KeepAliveAsync(attempt);
                    yield return update;
                    if (attempt.Limit is { } limit && !reading.HasFinished && limit.IsPassedBy(reading))
                    {
                        break;
                    }
                }
            }

            if (attempt.Limit is not { WasPassed: true })
            {
                reading.End();
            }
        }
        finally
        {
            // Reached at the end, after an exception, and when the reader leaves early: a provider bills what it has produced in each case.
            var facts = reading.Facts(_costs.Meter.Usage, Client) with
            {
                RequestedTier = RequestedTier.Of(options),
                Text = () => CountableText.Of(list, options, reading.Contents),
                LeastOutput = () => LeastTokens.Of(reading.Contents),
            };
            if (attempt.Limit is { WasPassed: true })
            {
                // What a provider that keeps the limit says in its place, so that every reader knows a truncated answer when it sees one.
                facts = facts with { IsCutAtHold = true, FinishReason = ChatFinishReason.Length.Value };
            }

            if (!attempt.HasEnded)
            {
                cost = await _costs.Meter.TryGiveBackAsync(attempt, reading.HasCost) ? null : await _costs.Meter.CompleteAsync(attempt, facts);
            }
            else if (!reading.HasCost && await _costs.Meter.CompleteOtherAsync(attempt, facts) is var (otherId, otherCost))
            {
                (id, cost) = (otherId, otherCost);
            }
        }

        if (cost is not null)
        {
            var trailing = ChatMessages.TrailingUpdate(id, cost, reading.Last);
            trailing.FinishReason = attempt.Limit is { WasPassed: true } ? ChatFinishReason.Length : null;
            yield return trailing;
        }
    }

    // Where nobody bounds an answer the budgets do, also of an attempt that they looked at only here.
    private static ChatOptions? Sent(MeteredAttempt attempt, ChatOptions? options)
    {
        var sent = ChatMessages.WithoutOwnProperties(options);
        if (sent?.MaxOutputTokens == attempt.MaxOutputTokens)
        {
            return sent;
        }

        sent = sent?.Clone() ?? new ChatOptions();
        sent.MaxOutputTokens = attempt.MaxOutputTokens;
        return sent;
    }

    // A client that throws before there is a stream has failed as one that throws without: what it threw decides whether it may have been billed.
    private async ValueTask<IAsyncEnumerator<ChatResponseUpdate>> OpenAsync(MeteredAttempt attempt, IReadOnlyList<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        try
        {
            return InnerClient.GetStreamingResponseAsync(ChatMessages.WithoutOwnProperties(messages), Sent(attempt, options), cancellationToken)
                .GetAsyncEnumerator(cancellationToken);
        }
        catch (Exception exception)
        {
            await _costs.Meter.FailAsync(attempt, exception);
            throw;
        }
    }

    // The attempt is set for each step anew: what an iterator puts into an AsyncLocal is gone after its next yield.
    private async ValueTask<bool> MoveNextAsync(IAsyncEnumerator<ChatResponseUpdate> updates, MeteredAttempt attempt, StreamReading reading)
    {
        CallToken.SetAmbient(_functionInvocation is null ? attempt : null);
        try
        {
            return await updates.MoveNextAsync();
        }
        catch (Exception exception)
        {
            reading.Break(exception);
            if (reading.Last is null)
            {
                await _costs.Meter.FailAsync(attempt, exception);
            }

            throw;
        }
    }

    /// <summary>Whether one call through here may be several requests further in.</summary>
    internal bool Aggregates(ChatOptions? options) => HasRounds(_functionInvocation, options);

    /// <summary>Whether a call may become several requests, because functions are invoked further in.</summary>
    internal static bool HasRounds(FunctionInvokingChatClient? functionInvocation, ChatOptions? options) =>
        functionInvocation is not null && (options?.Tools is { Count: > 0 } || functionInvocation.AdditionalTools is { Count: > 0 });

    private async ValueTask<MeteredAttempt> BeginAsync(CallToken token, IReadOnlyList<ChatMessage> messages, ChatOptions? options, bool streamed, CancellationToken cancellationToken)
    {
        var watch = token.OuterOf("chat") is null or { HasEnded: true } && options?.ContinuationToken is null ? RunWatch.Current : null;
        watch?.Admit(messages, options?.ModelId ?? Client.DefaultModel);
        return await _costs.Meter.BeginAsync(token, Client, "chat", options?.ModelId ?? Client.DefaultModel, options?.MaxOutputTokens, hasOutput: true, RequestedTier.ToHoldFor(options), streamed,
            Aggregates(options), () => RequestSize.Of(messages, options), watch, cancellationToken, options?.ContinuationToken);
    }
}
