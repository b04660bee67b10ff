namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>One line of a FOCUS export: what an attempt took of one kind (input, cached input, output, ...), and its share of the cost.</summary>
/// <param name="Attempt">The row of the ledger.</param>
/// <param name="Kind">What was taken: the name of the part of a cost.</param>
/// <param name="Meter">The same for people.</param>
/// <param name="Quantity">How much of it.</param>
/// <param name="Unit">What the quantity counts.</param>
/// <param name="Billed">The share of the cost, in whole nano-dollars: the shares of an attempt add up to its cost.</param>
/// <param name="Contracted">The same before it was rounded: quantity times price.</param>
/// <param name="List">The same at the provider's list price.</param>
internal sealed record FocusCharge(UsageRecord Attempt, string Kind, string Meter, decimal Quantity, string Unit, Money Billed, decimal Contracted, decimal List);
