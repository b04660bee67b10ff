namespace LlmCostCache.AI;

/// <summary>Sums over rows of the ledger.</summary>
public sealed record LedgerTotal
{
    /// <summary>The value of the first dimension; null for calls without one, or when not grouped.</summary>
    public string? Key { get; init; }

    /// <summary>The value of the second dimension; null for calls without one, or when not grouped.</summary>
    public string? ThenKey { get; init; }

    /// <summary>Rows: attempts, hits and refusals.</summary>
    public long Calls { get; init; }

    /// <summary>Rows answered by a cache layer or shared with an identical call.</summary>
    public long Hits { get; init; }

    /// <summary>Rows refused by a budget.</summary>
    public long Blocked { get; init; }

    /// <summary>Rows that failed.</summary>
    public long Failed { get; init; }

    /// <summary>Rows whose cost is unknown: <see cref="Spent"/> does not contain them.</summary>
    public long Unpriced { get; init; }

    /// <summary>What is booked: known costs and the upper ends of bounded ones.</summary>
    public Money Spent { get; init; }

    /// <summary>The lower end of what was spent on priced rows.</summary>
    public Money Low { get; init; }

    /// <summary>The upper end of what was spent on priced rows.</summary>
    public Money High { get; init; }

    /// <summary>What cache hits would have cost.</summary>
    public Money Saved { get; init; }

    /// <summary>What was used by rows that a provider answered.</summary>
    public TokenUsage Usage { get; init; } = TokenUsage.None;
}
