namespace LlmCostCache.AI;

/// <summary>Where a budget stands now; a template stands somewhere for each of its values.</summary>
/// <param name="Key">The values of a template, such as <c>user=alice</c>; empty for a plain budget.</param>
/// <param name="StartsAt">When the period began; for a rolling budget, the slice that is counted in now.</param>
/// <param name="EndsAt">When the period ends; <see cref="DateTimeOffset.MaxValue"/> when it never does.</param>
/// <param name="Limit">What is allowed now, grants included.</param>
/// <param name="Spent">What has been spent.</param>
/// <param name="Reserved">What calls that are under way may still take.</param>
public sealed record BudgetUse(string Key, DateTimeOffset StartsAt, DateTimeOffset EndsAt, BudgetAmount Limit, BudgetAmount Spent, BudgetAmount Reserved)
{
    /// <summary>What is left: the limit without what is spent or reserved, and never less than nothing.</summary>
    public BudgetAmount Left => BudgetAmount.Of(Limit.Unit, Math.Max(0, Limit.Count - Spent.Count - Reserved.Count));
}
