namespace LlmCostCache.AI;

/// <summary>What can be noticed about the counts of a row. Released names are API.</summary>
internal static class UsageFlags
{
    /// <summary>Counts contradicted each other or were negative, and were brought into range.</summary>
    public const string Clamped = "clamped";

    /// <summary>The row stands for several requests: the meter was outside function invocation.</summary>
    public const string Aggregated = "aggregated";

    /// <summary>A stream reported usage several times, and whether to add or to replace could not be told for certain.</summary>
    public const string MergeAmbiguous = "usage_merge_ambiguous";

    /// <summary>The provider reported no usage.</summary>
    public const string NoUsage = "no_usage";

    /// <summary>There was no price; what a budget had held for the call is booked.</summary>
    public const string HeldAmount = "held_amount";

    public static string Add(string? flags, string flag) =>
        flags is null ? flag : flags.Split(',').Contains(flag, StringComparer.Ordinal) ? flags : $"{flags},{flag}";
}
