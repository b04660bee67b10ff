namespace LlmCostCache.AI;

/// <summary>
/// What the budgets hold for one attempt. A call is admitted with one of these; a further attempt, or one that turns out to ask another model or to send more, has one of its own.
/// </summary>
internal sealed record AttemptHold
{
    /// <summary>What it was held for: model and output limit may differ from what was asked.</summary>
    public required BudgetDemand Demand { get; init; }

    /// <summary>The reservation, which becomes the attempt's id; null when nothing had to be held.</summary>
    public string? ReservationId { get; init; }

    /// <summary>When it was held, which decides the windows it belongs to; null when nothing was.</summary>
    public DateTimeOffset? At { get; init; }

    /// <summary>The most that the attempt can cost; zero when no budget counts it, or its price is not known.</summary>
    public Money Reserved { get; init; }

    /// <summary>The least that any budget that refuses holds for it: less than <see cref="Reserved"/> where a budget is balanced. Null when none holds anything.</summary>
    public Money? Held { get; init; }

    /// <summary>Whether one of the budgets of money that counts it refuses.</summary>
    public bool IsEnforced { get; init; }

    /// <summary>Whether one of the budgets of money or tokens is strict: then the hold is the most that the attempt may take, and a stream is cut at it.</summary>
    public bool IsStrict { get; init; }

    /// <summary>Whether an attempt can take no more than what this was held for.</summary>
    public bool Covers(BudgetDemand actual) => actual.Model == Demand.Model && actual.Client.ProviderName == Demand.Client.ProviderName
        && actual.Client.Host == Demand.Client.Host
        && actual.Size.TokenBound <= Demand.Size.TokenBound && actual.Size.Choices <= Demand.Size.Choices && actual.Size.Texts <= Demand.Size.Texts && actual.Size.WebSearches <= Demand.Size.WebSearches
        && (actual.Size.Unbounded is null || Demand.Size.Unbounded is not null)
        && actual.MaxOutputTokens == Demand.MaxOutputTokens && actual.ServiceTier == Demand.ServiceTier && actual.IsAggregated == Demand.IsAggregated;
}
