namespace LlmCostCache.AI;

/// <summary>A call was refused because a limit on tokens or requests does not allow it. Nothing was sent and nothing was charged.</summary>
public sealed class QuotaExceededException : LlmCostException
{
    /// <summary>Creates the exception without a message.</summary>
    public QuotaExceededException()
    {
    }

    /// <summary>Creates the exception.</summary>
    public QuotaExceededException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    public QuotaExceededException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The budget that refused; null when something else did.</summary>
    public Budget? Budget { get; init; }

    /// <summary>What <see cref="Budget"/> allows, what is used of it and what the refused call might have needed, in tokens or requests.</summary>
    public BudgetTally Tally { get; init; }

    /// <summary>When the next period of <see cref="Budget"/> begins, or for a rolling one when the call may fit; null when there is no such time.</summary>
    public DateTimeOffset? ResetsAt { get; init; }

    /// <summary>The rate limit that refused, with its limit and window; null when something else did.</summary>
    public RateLimit? RateLimit { get; init; }

    /// <summary>What the refused call might have needed, in the unit of <see cref="RateLimit"/> (for money in nano-dollars); null when no rate limit refused.</summary>
    public long? Requested { get; init; }

    /// <summary>How long to wait before trying again makes sense; null when waiting will not help.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
