namespace LlmCostCache.AI;

/// <summary>How one look at the budgets came out: what is held for the call and what was changed about it, or why it is refused.</summary>
internal sealed record Admission
{
    public string? ReservationId { get; init; }

    /// <summary>When the amount was held, which decides the windows it belongs to; null when nothing is held.</summary>
    public DateTimeOffset? At { get; init; }

    public bool IsEnforced { get; init; }

    public bool IsStrict { get; init; }

    public Money? Held { get; init; }

    public Money Amount { get; init; }

    public int? MaxOutputTokens { get; init; }

    public string? Note { get; init; }

    public BudgetExceededException? Refusal { get; init; }

    /// <summary>What is held, once it is not a refusal.</summary>
    public AttemptHold HoldFor(BudgetDemand demand) => new()
    {
        Demand = demand with { MaxOutputTokens = MaxOutputTokens },
        ReservationId = ReservationId,
        At = At,
        Reserved = Amount,
        Held = Held,
        IsEnforced = IsEnforced,
        IsStrict = IsStrict,
    };

    /// <summary>Limits were set meanwhile: nothing is held, and the call is to be looked at anew.</summary>
    public BudgetSettings? Newer { get; init; }
}
