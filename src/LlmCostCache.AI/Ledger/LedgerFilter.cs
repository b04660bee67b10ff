namespace LlmCostCache.AI;

/// <summary>Which rows of the ledger to read; null means any.</summary>
public sealed record LedgerFilter
{
    /// <summary>All rows.</summary>
    public static LedgerFilter All { get; } = new();

    /// <summary>From this instant, inclusive.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Until this instant, exclusive.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Only this tenant.</summary>
    public string? Tenant { get; init; }

    /// <summary>Only this project.</summary>
    public string? Project { get; init; }

    /// <summary>Only this team.</summary>
    public string? Team { get; init; }

    /// <summary>Only this user.</summary>
    public string? User { get; init; }

    /// <summary>Only this feature.</summary>
    public string? Feature { get; init; }

    /// <summary>Only this session.</summary>
    public string? Session { get; init; }

    /// <summary>Only this agent.</summary>
    public string? Agent { get; init; }

    /// <summary>Only calls with this tag.</summary>
    public string? Tag { get; init; }

    /// <summary>Only this provider.</summary>
    public string? Provider { get; init; }

    /// <summary>Only this answering model.</summary>
    public string? Model { get; init; }

    /// <summary>Only rows that ended so.</summary>
    public CallStatus? Status { get; init; }
}
