namespace LlmCostCache.AI;

/// <summary>A call was refused because a budget does not allow what it may cost. Nothing was sent and nothing was charged.</summary>
public sealed class BudgetExceededException : LlmCostException
{
    /// <summary>Creates the exception without a message.</summary>
    public BudgetExceededException()
    {
    }

    /// <summary>Creates the exception.</summary>
    public BudgetExceededException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    public BudgetExceededException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The budget that refused; null only when the exception was made by hand.</summary>
    public Budget? Budget { get; init; }

    /// <summary>What the budget allows in its period.</summary>
    public Money Limit { get; init; }

    /// <summary>What has been spent in the period.</summary>
    public Money Spent { get; init; }

    /// <summary>What other calls that are under way may still cost.</summary>
    public Money Reserved { get; init; }

    /// <summary>What the refused call might have cost.</summary>
    public Money Requested { get; init; }

    /// <summary>When the next period begins; null when the budget has none (per call, total).</summary>
    public DateTimeOffset? ResetsAt { get; init; }

    /// <summary>How long to wait before trying again makes sense; null when waiting will not help.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
