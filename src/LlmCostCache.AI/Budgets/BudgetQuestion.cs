namespace LlmCostCache.AI;

/// <summary>A call that does not fit a budget, for the application to decide about; see <see cref="Budget.Ask"/>.</summary>
public sealed record BudgetQuestion
{
    internal BudgetQuestion()
    {
    }

    /// <summary>The budget.</summary>
    public required Budget Budget { get; init; }

    /// <summary>What it allows, what is spent and reserved, and what the call may need.</summary>
    public required BudgetTally Tally { get; init; }

    /// <summary>When the next period begins, or a rolling span has room; null when waiting will not help.</summary>
    public DateTimeOffset? ResetsAt { get; init; }

    /// <summary>The model that would be asked.</summary>
    public string? Model { get; init; }

    /// <summary>Its provider.</summary>
    public string? Provider { get; init; }

    /// <summary><c>chat</c>, <c>embeddings</c>, ...</summary>
    public required string Operation { get; init; }

    /// <summary>Who pays.</summary>
    public required Attribution Attribution { get; init; }

    /// <summary>Which attempt of the call it is, from 1. The model of a further attempt cannot be changed any more.</summary>
    public required int Attempt { get; init; }
}
