namespace LlmCostCache.AI;

/// <summary>Of whom and on which terms a stored answer was bought: what it takes to price the same call again.</summary>
internal sealed record Purchase
{
    public string? Provider { get; init; }

    public string? Host { get; init; }

    /// <summary>The model that answered.</summary>
    public string? Model { get; init; }

    public string? ServiceTier { get; init; }

    public string? Region { get; init; }

    /// <summary>Whether the provider named the cost itself; it knows better than any book.</summary>
    public bool IsProviderCost { get; init; }

    /// <summary>Whether one price for the whole usage is not certain to be right: several requests were made, or nobody saw the terms.</summary>
    public bool IsVague { get; init; }

    public static Purchase Of(UsageRecord record, string? host) => new()
    {
        Provider = record.Provider,
        Host = host,
        Model = record.Model,
        ServiceTier = record.ServiceTier,
        Region = record.Region,
        IsProviderCost = UsageFlags.Has(record.Flags, TelemetryNames.ProviderCostFlag),
        IsVague = UsageFlags.Has(record.Flags, UsageFlags.Aggregated),
    };

    /// <summary>The purchase of an answer that took one more request.</summary>
    public static Purchase And(Purchase? earlier, Purchase last) => earlier is null ? last
        : last with { IsVague = true, IsProviderCost = earlier.IsProviderCost || last.IsProviderCost };
}
