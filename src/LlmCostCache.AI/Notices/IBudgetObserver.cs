namespace LlmCostCache.AI;

/// <summary>Is told when budgets come near their limit or reach it. Put one in <see cref="LlmCostsOptions.BudgetObservers"/>, or register it as a service.</summary>
/// <remarks>
/// It is called in the background, never in the path of a call, one notice after the other, in the process that recorded the call. It may take its time, up to thirty
/// seconds; what it throws is logged. When the process ends between the call and the notice, the notice is lost: the ledger is the truth, a notice is a courtesy.
/// </remarks>
public interface IBudgetObserver
{
    /// <summary>Takes a notice.</summary>
    /// <param name="notice">What happened.</param>
    /// <param name="cancellationToken">Is cancelled when it took too long, or when <see cref="LlmCosts"/> is disposed and cannot wait longer.</param>
    ValueTask ObserveAsync(BudgetNotice notice, CancellationToken cancellationToken);
}
