namespace LlmCostCache.AI;

/// <summary>What a check of <c>cache.db</c> found.</summary>
internal sealed record EntryVerification
{
    /// <summary>Rows that were read.</summary>
    public required long Rows { get; init; }

    /// <summary>Rows that were sealed with a key or secret that was not given; they may be good.</summary>
    public required long NotOpened { get; init; }

    /// <summary>Rows that are never served, with the reason.</summary>
    public required IReadOnlyList<BadRow> Bad { get; init; }

    /// <summary>How many bad rows there are; more than are named when there are very many.</summary>
    public required long BadRows { get; init; }

    /// <summary>What is wrong with the file itself.</summary>
    public required IReadOnlyList<string> Problems { get; init; }

    /// <summary>How many bad rows were deleted.</summary>
    public long Deleted { get; init; }

    public bool IsIntact => BadRows == 0 && Problems.Count == 0;
}
