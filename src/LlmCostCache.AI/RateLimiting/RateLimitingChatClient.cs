using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Makes requests wait for their turn, first come, first served, so that a provider's limits, or your own, are kept.</summary>
/// <remarks>
/// It belongs inside <c>UseCostCache()</c> (a hit asks nobody and takes nothing), inside <c>UseBudget()</c> (what is refused takes nothing) and inside
/// <c>UseRetry()</c> (each try is a request of its own), and outside the meter, which it brings along. Tokens and dollars are estimated before a request is sent
/// and corrected with its cost; a stream takes its turn once and is corrected at its end.
/// </remarks>
public sealed class RateLimitingChatClient : DelegatingChatClient
{
    private readonly LlmCosts _costs;
    private readonly ClientIdentity _client;
    private readonly UsageMeteringChatClient? _meter;
    private readonly FunctionInvokingChatClient? _functionInvocation;
    private readonly RateGuard _guard;

    /// <summary>Paces a client.</summary>
    /// <param name="innerClient">The client; it is metered further in, or metered here when it is not.</param>
    /// <param name="costs">Who keeps count: clients that share it and give the same limits share what is left of them.</param>
    /// <param name="options">The limits; those of <see cref="LlmCostsOptions.RateLimiting"/> when null. Later changes have no effect.</param>
    /// <exception cref="InvalidOperationException">The inner client is metered by another <see cref="LlmCosts"/>.</exception>
    public RateLimitingChatClient(IChatClient innerClient, LlmCosts costs, RateLimitOptions? options = null)
        : base(UseCostExtensions.Metered(innerClient, costs))
    {
        _costs = costs;
        _client = ClientIdentity.Of(innerClient);
        _meter = innerClient.GetService<UsageMeteringChatClient>();
        _functionInvocation = innerClient.GetService<FunctionInvokingChatClient>();
        _guard = new RateGuard(costs, (options ?? costs.Options.RateLimiting).Copy());
    }

    private ClientIdentity Client => _client.Called(_meter?.ProviderName);

    /// <inheritdoc/>
    /// <exception cref="QuotaExceededException">The call may not be sent, or its turn comes too late. Nothing was sent.</exception>
    /// <exception cref="UnknownPriceException">A limit counts dollars and the price is not known. Nothing was sent.</exception>
    public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _costs.ThrowIfDisposed();
        var list = ChatMessages.AsList(messages);
        using var turn = await _guard.EnterAsync(Demand(list, options), cancellationToken);
        try
        {
            var response = await base.GetResponseAsync(list, options, cancellationToken);
            turn.Settle(response.GetCost());
            return response;
        }
        catch (Exception exception)
        {
            Fail(turn, exception, options);
            throw;
        }
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
        using var turn = await _guard.EnterAsync(Demand(list, options), cancellationToken);
        CallCost? cost = null;
        var hasBegun = false;
        await using var updates = base.GetStreamingResponseAsync(list, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (await MoveNextAsync(updates, turn, isFirst: !hasBegun, options))
        {
            hasBegun = true;
            var update = updates.Current;
            if (CostCarrier.IsIn(update.AdditionalProperties))
            {
                cost = cost is null ? update.GetCost() : cost + update.GetCost();
            }

            yield return update;
        }

        if (cost is not null)
        {
            turn.Settle(cost);
        }
    }

    private async ValueTask<bool> MoveNextAsync(IAsyncEnumerator<ChatResponseUpdate> updates, RateTurn turn, bool isFirst, ChatOptions? options)
    {
        try
        {
            return await updates.MoveNextAsync();
        }
        catch (Exception exception) when (isFirst)
        {
            Fail(turn, exception, options);
            throw;
        }
    }

    // What a later round met with says nothing about those that were answered: the turn then keeps its estimate.
    private void Fail(RateTurn turn, Exception exception, ChatOptions? options)
    {
        if (!UsageMeteringChatClient.HasRounds(_functionInvocation, options))
        {
            turn.Fail(exception, Client);
        }
    }

    private RateDemand Demand(IReadOnlyList<ChatMessage> messages, ChatOptions? options) => new()
    {
        Operation = "chat",
        Client = Client,
        Model = options?.ModelId ?? _client.DefaultModel,
        Attribution = CallToken.Find(_costs, options?.AdditionalProperties)?.Attribution ?? CostScope.Current,
        Measure = () => RequestSize.Of(ChatMessages.WithoutOwnProperties(messages), ChatMessages.WithoutOwnProperties(options)),
        MaxOutputTokens = options?.MaxOutputTokens,
        ServiceTier = RequestedTier.ToHoldFor(options),
    };
}
