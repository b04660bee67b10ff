namespace LlmCostCache.AI;

/// <summary>x</summary>
public sealed class Ledger
{
    internal Ledger(ILedgerStore store) => Store = store;

    internal ILedgerStore Store { get; }
}
