namespace LlmCostCache.AI;

/// <summary>What a call asks of the budgets: who pays, whom it asks, how large it is.</summary>
internal sealed record BudgetDemand
{
    public required string CallId { get; init; }

    public required string Operation { get; init; }

    public required Attribution Attribution { get; init; }

    public required ClientIdentity Client { get; init; }

    public required string? Model { get; init; }

    public required RequestSize Size { get; init; }

    /// <summary>The output limit that the caller set; null when none.</summary>
    public int? MaxOutputTokens { get; init; }

    /// <summary>Whether a limit on the output may be set or lowered; there is none to set for embeddings.</summary>
    public bool HasOutput { get; init; } = true;

    /// <summary>The service tier that was asked for, or <see cref="PriceBook.AnyTier"/> where that cannot be seen; null when none was.</summary>
    public string? ServiceTier { get; init; }

    /// <summary>Whether several requests hide behind this one, so that nothing can be held for each.</summary>
    public bool IsAggregated { get; init; }

    public int Attempt { get; init; } = 1;
}
