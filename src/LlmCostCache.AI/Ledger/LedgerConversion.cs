namespace LlmCostCache.AI;

/// <summary>An exchange rate at which amounts of the ledger were converted to US dollars, and how many calls it was used for.</summary>
/// <param name="Currency">The currency that was converted, ISO 4217.</param>
/// <param name="Rate">Units of <paramref name="Currency"/> for one US dollar.</param>
/// <param name="Day">The day the rate is from; null when it was an assumed one.</param>
/// <param name="Calls">How many calls were converted at it.</param>
public sealed record LedgerConversion(string Currency, decimal Rate, DateOnly? Day, long Calls);
