namespace LlmCostCache.AI.Cli.Checkup;

/// <summary>What one check came to: fine, something found, or not possible.</summary>
/// <param name="Check">The name of the check in one word. Once released it does not change.</param>
internal sealed record CheckResult(string Check)
{
    /// <summary>What was found; null when nothing was.</summary>
    public string? What { get; init; }

    /// <summary>What to do about it.</summary>
    public string? Remedy { get; init; }

    /// <summary>How many calls it is about; null when it is about none.</summary>
    public long? Calls { get; init; }

    /// <summary>What is booked for these calls; null when it is about none.</summary>
    public Money? Cost { get; init; }

    /// <summary>How many of these calls have no price and are not in the cost.</summary>
    public long Unpriced { get; init; }

    /// <summary>What it may cost too much, at most; null when that cannot be told.</summary>
    public Money? Avoidable { get; init; }

    /// <summary>Why it could not be checked; null when it was.</summary>
    public string? WhyNotChecked { get; init; }

    public bool IsFinding => What is not null;
}
