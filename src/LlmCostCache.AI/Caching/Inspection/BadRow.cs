namespace LlmCostCache.AI;

/// <summary>A row of <c>cache.db</c> that is never served.</summary>
/// <param name="Id">The number of the row.</param>
/// <param name="AskedAt">The stamp of its question; null when the row has no key. A row that is written anew has another.</param>
/// <param name="Key">Its key in hexadecimal digits, however many it has.</param>
/// <param name="Reason">What is wrong with it.</param>
internal sealed record BadRow(long Id, long? AskedAt, string Key, string Reason);
