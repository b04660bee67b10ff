namespace LlmCostCache.AI;

/// <summary>How a question that several callers asked at once came out.</summary>
internal sealed class Landing
{
    /// <summary>The leader left, or was stopped by something of its own: those who wait enter again, and one of them leads.</summary>
    public static readonly Landing Abandoned = new();

    /// <summary>The answer is one that only its own caller may have: those who wait ask for themselves, all at once.</summary>
    public static readonly Landing Unshareable = new() { IsUnshareable = true };

    public StoredAnswer? Answer { get; init; }

    /// <summary>Why an answer is shared that is not fresh any more; null when it is.</summary>
    public string? StaleReason { get; init; }

    public bool IsUnshareable { get; init; }

    /// <summary>What the provider, or the way to it, threw: one of those who wait tries once more.</summary>
    public Exception? Error { get; init; }
}
