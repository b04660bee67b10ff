namespace LlmCostCache.AI;

/// <summary>Rates that change once a number of requests was made in the calendar month, which begins at midnight UTC.</summary>
/// <param name="AboveRequests">The request is one of those beyond this many: with 10,000, the 10,001st and all later ones.</param>
/// <param name="Rates">The rates that change.</param>
internal sealed record PriceStep(long AboveRequests, RateCard Rates);
