namespace LlmCostCache.AI;

/// <summary>What totals can be grouped by. Calls without a value form a group of their own, whose key is null.</summary>
public enum LedgerDimension
{
    /// <summary>The hour of the clock in the ledger's zone.</summary>
    Hour,

    /// <summary>The calendar day in the ledger's zone.</summary>
    Day,

    /// <summary>The week in the ledger's zone, named by its first day.</summary>
    Week,

    /// <summary>The calendar month in the ledger's zone.</summary>
    Month,

    /// <summary>The model that answered.</summary>
    Model,

    /// <summary>The provider.</summary>
    Provider,

    /// <summary>The tenant.</summary>
    Tenant,

    /// <summary>The project.</summary>
    Project,

    /// <summary>The team.</summary>
    Team,

    /// <summary>The user.</summary>
    User,

    /// <summary>The feature.</summary>
    Feature,

    /// <summary>The session.</summary>
    Session,

    /// <summary>The agent.</summary>
    Agent,

    /// <summary>The tag; a call with several tags counts under each, so these totals do not add up to the whole.</summary>
    Tag,

    /// <summary>How the attempt ended.</summary>
    Status,

    /// <summary>The cache layer that answered.</summary>
    CacheLayer,

    /// <summary>The operation.</summary>
    Operation,

    /// <summary>The trace.</summary>
    Trace,
}
