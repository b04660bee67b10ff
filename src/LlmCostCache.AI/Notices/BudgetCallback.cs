namespace LlmCostCache.AI;

/// <summary>A function that observes budgets.</summary>
internal sealed class BudgetCallback(Func<BudgetNotice, CancellationToken, ValueTask> callback) : IBudgetObserver
{
    public ValueTask ObserveAsync(BudgetNotice notice, CancellationToken cancellationToken) => callback(notice, cancellationToken);
}
