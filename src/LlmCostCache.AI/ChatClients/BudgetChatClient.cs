using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>Holds what a call can cost before it is sent, and refuses what the budgets do not allow.</summary>
/// <remarks>
/// Strict budgets are never exceeded: a call whose longest answer does not fit gets a shorter <see cref="ChatOptions.MaxOutputTokens"/>, waits for calls under way,
/// goes to the budget's fallback model, or is refused with a <see cref="BudgetExceededException"/> before anything is sent. Without budgets nothing is held.
/// </remarks>
public sealed class BudgetChatClient : DelegatingChatClient
{
    private readonly LlmCosts _costs;
    private readonly ClientIdentity _client;
    private readonly UsageMeteringChatClient? _meter;

    /// <summary>Puts a client under the budgets of <paramref name="costs"/>.</summary>
    /// <param name="innerClient">The client; it is metered further in, or metered here when it is not.</param>
    /// <param name="costs">Whose budgets.</param>
    /// <exception cref="InvalidOperationException">The inner client is metered by another <see cref="LlmCosts"/>.</exception>
    public BudgetChatClient(IChatClient innerClient, LlmCosts costs)
        : base(UseCostExtensions.Metered(innerClient, costs))
    {
        _costs = costs;
        _client = ClientIdentity.Of(innerClient);

        // Also the one that was put around it here: a later UseUsageMetering() gives it its name.
        _meter = InnerClient.GetService<UsageMeteringChatClient>();
    }

    /// <inheritdoc/>
    public override object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is null && serviceType == typeof(LlmCosts) ? _costs : base.GetService(serviceType, serviceKey);
    }

    /// <inheritdoc/>
    /// <exception cref="BudgetExceededException">The call does not fit a budget. Nothing was sent.</exception>
    /// <exception cref="UnknownPriceException">The price is not known, so a budget cannot hold the call. Nothing was sent.</exception>
    /// <exception cref="StoreUnavailableException">The ledger cannot be used, so a budget cannot be checked. Nothing was sent.</exception>
    public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _costs.ThrowIfDisposed();
        var list = ChatMessages.AsList(messages);
        using var own = CallToken.Find(_costs, options?.AdditionalProperties) is null ? CallToken.Begin(_costs, "chat", options?.ModelId ?? _client.DefaultModel) : null;
        var token = own ?? CallToken.Find(_costs, options?.AdditionalProperties)!;
        if (token.Budget is { IsOver: false })
        {
            return await base.GetResponseAsync(list, options, cancellationToken);
        }

        await using var pass = await AdmitAsync(token, list, options, cancellationToken);
        return await InnerClient.GetResponseAsync(list, Admitted(pass, token, options), cancellationToken);
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
        using var own = CallToken.Find(_costs, options?.AdditionalProperties) is null ? CallToken.Begin(_costs, "chat", options?.ModelId ?? _client.DefaultModel) : null;
        var token = own ?? CallToken.Find(_costs, options?.AdditionalProperties)!;
        await using var pass = token.Budget is not { IsOver: false } ? await AdmitAsync(token, list, options, cancellationToken) : null;
        var admitted = pass is null ? options : Admitted(pass, token, options);
        await foreach (var update in InnerClient.GetStreamingResponseAsync(list, admitted, cancellationToken))
        {
            yield return update;
        }
    }

    private async ValueTask<BudgetPass> AdmitAsync(CallToken token, IReadOnlyList<ChatMessage> messages, ChatOptions? options, CancellationToken cancellationToken)
    {
        var demand = new BudgetDemand
        {
            CallId = token.Id,
            Operation = "chat",
            Attribution = token.Attribution,
            Client = _client.Called(_meter?.ProviderName),
            Model = options?.ModelId ?? _client.DefaultModel,
            Size = _costs.Budgets.HasBudgets ? RequestSize.Of(ChatMessages.WithoutOwnProperties(messages), options) : RequestSize.Empty,
            MaxOutputTokens = options?.MaxOutputTokens,
            ServiceTier = RequestedTier.ToHoldFor(options),
            IsAggregated = IsAggregated(options),
        };

        // An answer that an earlier request began was held and booked with that one, and whoever has paid for it must be able to get it. What else is sent on the way is held as it is sent.
        return token.Budget = _costs.Meter.HasBegun(demand.Client, options?.ContinuationToken) ? _costs.Budgets.AdmitUnheld(demand) : await _costs.Budgets.AdmitAsync(demand, token.Span, cancellationToken);
    }

    // Function invocation further in is harmless when each of its requests passes a meter; it hides them when the meter is outside.
    private bool IsAggregated(ChatOptions? options) => InnerClient is UsageMeteringChatClient meter && meter.Aggregates(options);

    private static ChatOptions Admitted(BudgetPass pass, CallToken token, ChatOptions? options)
    {
        var carried = token.Carry(options);
        if (pass.FallbackModel is not null)
        {
            carried.ModelId = pass.FallbackModel;
        }

        carried.MaxOutputTokens = pass.Demand.MaxOutputTokens;
        return carried;
    }
}
