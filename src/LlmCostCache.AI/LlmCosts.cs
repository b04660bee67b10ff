namespace LlmCostCache.AI;

/// <summary>Owns price book, ledger, cache and budgets.</summary>
public sealed class LlmCosts
{
}
