using System.Collections.Immutable;

namespace LlmCostCache.AI;

/// <summary>What is to be held before an attempt is sent.</summary>
internal sealed record ReservationRequest
{
    /// <summary>The row to be written should the process die: id, attribution and models of the attempt, its cost between zero and the dearest hold.</summary>
    public required UsageRecord Record { get; init; }

    /// <summary>One hold for each matching budget that has windows. All are taken or none.</summary>
    public required ImmutableArray<Hold> Holds { get; init; }

    /// <summary>When the reservation expires and is booked in full, by the store's clock: now plus this.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>Whether the commit waits for the disk.</summary>
    public bool Durable { get; init; }

    /// <summary>Which limits set at run time the holds were made by; null when that does not matter. Should there be newer ones, nothing is held and the outcome brings them.</summary>
    public long? SettingsRevision { get; init; }

    /// <summary>What the store has read of new windows before it decides; filled in by the store.</summary>
    public ImmutableArray<EarlierSums> Earlier { get; init; }

    /// <summary>The row that is written when nobody ever says how the attempt ended.</summary>
    public static UsageRecord RecordOf(string id, BudgetDemand demand, ModelFacts? facts, HoldAmounts amounts, DateTimeOffset now) => new()
    {
        Id = id,
        CallId = demand.CallId,
        Attempt = demand.Attempt,
        At = now,
        Operation = demand.Operation,
        Provider = demand.Client.ProviderName ?? facts?.Provider,
        RequestedModel = demand.Model,
        Model = demand.Model,
        ModelKey = facts?.Model,
        Status = CallStatus.Assumed,
        Cost = amounts.IsPriced
            ? CallCost.Between(Money.Zero, amounts.Ceiling, "The process that made this call ended before the answer was recorded")
            : CallCost.Unpriced($"The price of '{demand.Model}' is not known"),
        UsageSource = "none",
        Attribution = demand.Attribution,
    };
}

/// <summary>An amount held against one window, in the unit of its budget. <see cref="Enforced"/> is false for budgets that only warn.</summary>
internal readonly record struct Hold(BudgetWindow Window, BudgetAmount Amount, bool Enforced);

/// <summary>Where a window stood when the reservation was decided, before its own holds. That of a rolling budget speaks for the whole span.</summary>
internal readonly record struct WindowBalance(BudgetWindow Window, BudgetAmount Limit, BudgetAmount Spent, BudgetAmount Reserved)
{
    /// <summary>For a hold that a rolling budget refused: when enough of what is counted now will have rolled out of the span; null when that never happens.</summary>
    public DateTimeOffset? FitsAt { get; init; }
}

/// <summary>The answer to a <see cref="ReservationRequest"/>.</summary>
/// <param name="Accepted">Whether everything is held (again yes for an id that is held already).</param>
/// <param name="Balances">One for each hold, in the same order.</param>
/// <param name="RefusedBy">The index of the first enforced hold that did not fit; -1 when accepted.</param>
internal sealed record ReservationOutcome(bool Accepted, ImmutableArray<WindowBalance> Balances, int RefusedBy = -1)
{
    /// <summary>The limits set at run time that the request did not know of: nothing was held, and it is to be made anew.</summary>
    public BudgetSettings? Newer { get; init; }
}
