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
}

/// <summary>An amount held against one window. <see cref="Enforced"/> is false for budgets that only warn.</summary>
internal readonly record struct Hold(BudgetWindow Window, Money Amount, bool Enforced);

/// <summary>Where a window stood when the reservation was decided, before its own holds.</summary>
internal readonly record struct WindowBalance(BudgetWindow Window, Money Limit, Money Spent, Money Reserved);

/// <summary>The answer to a <see cref="ReservationRequest"/>.</summary>
/// <param name="Accepted">Whether everything is held (again yes for an id that is held already).</param>
/// <param name="Balances">One for each hold, in the same order.</param>
/// <param name="RefusedBy">The index of the first enforced hold that did not fit; -1 when accepted.</param>
internal sealed record ReservationOutcome(bool Accepted, ImmutableArray<WindowBalance> Balances, int RefusedBy = -1);
