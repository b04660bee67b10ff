namespace LlmCostCache.AI.Cli.Caching;

/// <summary>How often the cache answered in one group of calls, and what came of it.</summary>
/// <param name="Key">The value that the group is made of; null for calls without one.</param>
internal sealed record HitCount(string? Key)
{
    /// <summary>Calls that a cache layer answered.</summary>
    public long Hits { get; init; }

    /// <summary>Calls that shared the answer of an identical call under way.</summary>
    public long Coalesced { get; init; }

    /// <summary>Calls that a provider answered, those that bypassed the cache among them.</summary>
    public long Misses { get; init; }

    /// <summary>Calls that were refused or failed: nobody answered them, so they say nothing about a cache.</summary>
    public long NotCounted { get; init; }

    /// <summary>What the answers of the cache would have cost.</summary>
    public Money Saved { get; init; }

    /// <summary>What is left of it after what the cache itself spent.</summary>
    public Money Net { get; init; }

    /// <summary>What was paid to providers.</summary>
    public Money Spent { get; init; }

    public long Unpriced { get; init; }

    public long Answered => Hits + Coalesced;

    public long Lookups => Answered + Misses;

    /// <summary>Adds rows that all ended alike.</summary>
    public HitCount Plus(CallStatus status, LedgerTotal rows)
    {
        var fromCache = status is CallStatus.Cached or CallStatus.Coalesced;
        return this with
        {
            Hits = Hits + (status == CallStatus.Cached ? rows.Calls : 0),
            Coalesced = Coalesced + (status == CallStatus.Coalesced ? rows.Calls : 0),
            Misses = Misses + (status is CallStatus.Ok or CallStatus.Incomplete or CallStatus.Assumed ? rows.Calls : 0),
            NotCounted = NotCounted + (status is CallStatus.Blocked or CallStatus.Failed ? rows.Calls : 0),
            Saved = Saved + (fromCache ? rows.Saved : Money.Zero),
            Net = Net + rows.Saved,
            Spent = Spent + rows.Spent,
            Unpriced = Unpriced + rows.Unpriced,
        };
    }
}
