namespace LlmCostCache.AI.Cli.Budgets;

/// <summary>Where budgets are heading, found by the budget and the value of a template.</summary>
internal sealed class BudgetStatuses(IReadOnlyList<BudgetStatus> statuses)
{
    private readonly Dictionary<(string Id, string Key), BudgetStatus> _byBudget = statuses.DistinctBy(Name).ToDictionary(Name);

    public static BudgetStatuses None { get; } = new([]);

    public BudgetStatus? Of(Budget budget, string key) => _byBudget.GetValueOrDefault((budget.Id, key));

    private static (string Id, string Key) Name(BudgetStatus status) => (status.Budget.Id, status.Key);
}
