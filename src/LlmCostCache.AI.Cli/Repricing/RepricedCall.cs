namespace LlmCostCache.AI.Cli.Repricing;

/// <summary>What a row of the ledger costs at other prices, and on what ground.</summary>
internal readonly record struct RepricedCall(CallCost Cost, RepricingGround Ground);
