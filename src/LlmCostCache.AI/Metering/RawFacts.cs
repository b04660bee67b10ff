using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>What a provider's own answer says and adapters do not pass on.</summary>
internal sealed record RawFacts
{
    /// <summary>Nothing was said.</summary>
    public static RawFacts None { get; } = new();

    /// <summary>There is an answer, and it could not be read: not that it says nothing, but that nobody knows what it says.</summary>
    public static RawFacts Unread { get; } = new() { IsUnread = true };

    /// <summary>The tier the provider says it served the request in.</summary>
    public string? ServiceTier { get; init; }

    /// <summary>Where the provider says the model ran, when that has a price of its own.</summary>
    public string? Region { get; init; }

    /// <summary>The usage as the raw answer has it, for adapters that report none or a part.</summary>
    public UsageDetails? Usage { get; init; }

    /// <summary>What was used beside the usage and is billed too, such as the compaction of a long conversation.</summary>
    public UsageDetails? Beside { get; init; }

    /// <summary>What the provider says the call cost, in US dollars, above zero.</summary>
    public decimal? Cost { get; init; }

    /// <summary>Why an answer ended that the provider calls incomplete.</summary>
    public string? FinishReason { get; init; }

    /// <summary>Whether the provider says that nothing follows: its counts are the last ones, however the answer ended.</summary>
    public bool IsFinal { get; init; }

    /// <summary>Whether the raw answer is of a kind that has more to say, and could not be read.</summary>
    public bool IsUnread { get; init; }

    /// <summary>Whether there is a usage that names no count at all, from which an adapter makes zeros.</summary>
    public bool IsSilent { get; init; }

    /// <summary>Whether there was a raw answer that was read.</summary>
    public bool IsRead { get; init; }

    /// <summary>These facts with searches that the usage does not count, because they stand beside it in the answer.</summary>
    public RawFacts WithSearches(long searches)
    {
        if (searches == 0 || Usage is null)
        {
            return this;
        }

        var usage = StreamUsage.Copy(Usage);
        RawUsage.Add(usage, UsageNames.WebSearches, searches);
        return this with { Usage = usage };
    }

    /// <summary>These facts, and where they are silent those of the beginning of the same answer.</summary>
    public RawFacts Or(RawFacts start) => ReferenceEquals(start, None) ? this : this with
    {
        ServiceTier = ServiceTier ?? start.ServiceTier,
        Region = Region ?? start.Region,
        Usage = Usage is null ? start.Usage : RawUsage.Completed(Usage, start with { Beside = null }),
        Beside = Beside ?? start.Beside,
        Cost = Cost ?? start.Cost,
        IsUnread = IsUnread && !start.IsRead,
        IsRead = IsRead || start.IsRead,
    };
}
