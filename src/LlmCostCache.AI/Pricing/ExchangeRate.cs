namespace LlmCostCache.AI;

/// <summary>How many units of a currency one US dollar was worth, from a day on.</summary>
/// <param name="Currency">The ISO 4217 code of a currency other than the US dollar.</param>
/// <param name="PerDollar">Units of <paramref name="Currency"/> for one US dollar, above zero: 7.10 for 7.10 yuan.</param>
/// <param name="Day">The first day of the rate, in UTC; it holds until the next day that has one. Null is an assumed rate, for the days before the first dated one.</param>
public sealed record ExchangeRate(string Currency, decimal PerDollar, DateOnly? Day = null);
