namespace LlmCostCache.AI;

/// <summary>A call was refused because a budget does not allow what it may cost. Nothing was sent and nothing was charged.</summary>
/// <remarks>A budget that counts tokens or requests throws <see cref="QuotaExceededException"/>.</remarks>
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

    /// <summary>The amounts below in one value.</summary>
    public BudgetTally Tally { get; init; }

    /// <summary>What the budget allows in its period.</summary>
    public Money Limit { get; init; }

    /// <summary>What has been spent in the period.</summary>
    public Money Spent { get; init; }

    /// <summary>What other calls that are under way may still cost.</summary>
    public Money Reserved { get; init; }

    /// <summary>What the refused call might have cost.</summary>
    public Money Requested { get; init; }

    /// <summary>When the next period begins, or for a rolling budget when the call may fit; null when there is no such time (per call, total).</summary>
    public DateTimeOffset? ResetsAt { get; init; }

    /// <summary>How long to wait before trying again makes sense; null when waiting will not help.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The exception that callers meet: that of the unit which the budget counts.</summary>
    internal LlmCostException AsThrown() => Budget is not { Unit: not BudgetUnit.Usd }
        ? this
        : new QuotaExceededException(Message, InnerException) { Budget = Budget, Tally = Tally, ResetsAt = ResetsAt, RetryAfter = RetryAfter };

    /// <summary>The period that it was refused in; null for a limit of each call.</summary>
    internal BudgetWindow? Window { get; init; }

    /// <summary>The same refusal, when nothing can be held for the cheaper model that was to be asked instead.</summary>
    internal BudgetExceededException For(string? model, UnknownPriceException unpriced) =>
        With($"{Message} '{model}' was to be asked instead. {unpriced.Message}", unpriced);

    /// <summary>The same refusal in other words.</summary>
    internal BudgetExceededException With(string message, Exception? cause) => new(message, cause)
    {
        Budget = Budget,
        Tally = Tally,
        Limit = Limit,
        Spent = Spent,
        Reserved = Reserved,
        Requested = Requested,
        ResetsAt = ResetsAt,
        RetryAfter = RetryAfter,
        Window = Window,
    };
}
