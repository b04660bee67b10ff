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

    /// <summary>The total that the provider named is not the sum of its counts, by any convention that is known.</summary>
    public const string TotalDiffers = "total_differs";

    /// <summary>The provider's raw answer, which says more than the adapter passes on, was missing or could not be read; the cost is bounded where it matters.</summary>
    public const string RawUnread = "raw_unread";

    /// <summary>A rule for this provider's usage failed; the built-in one counted.</summary>
    public const string RuleFailed = "usage_rule_failed";

    /// <summary>The cost is the one that the provider reported.</summary>
    public const string ProviderCost = TelemetryNames.ProviderCostFlag;

    /// <summary>The provider reported a cost more than 5 % away from what the price book says.</summary>
    public const string ProviderCostDiffers = "provider_cost_differs";

    /// <summary>The model that answered is dearer than the one that was asked.</summary>
    public const string DearerModel = "dearer_model";

    /// <summary>The stream was longer than what a strict budget had held for it, and was cut there.</summary>
    public const string CutAtHold = "cut_at_hold";

    /// <summary>The row was not metered here: it was imported from the report of a provider or the records of another program.</summary>
    public const string Imported = "imported";

    /// <summary>The cost came with the row, from somebody who is not the provider.</summary>
    public const string GivenCost = "given_cost";

    /// <summary>Whether a comma-separated list has a flag; read without splitting it.</summary>
    public static bool Has(string? flags, string flag)
    {
        var rest = flags.AsSpan();
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOf(',');
            if ((end < 0 ? rest : rest[..end]).Trim().SequenceEqual(flag))
            {
                return true;
            }

            rest = end < 0 ? default : rest[(end + 1)..];
        }

        return false;
    }

    public static string Add(string? flags, string flag) =>
        flags is null ? flag : flags.Split(',').Contains(flag, StringComparer.Ordinal) ? flags : $"{flags},{flag}";
}
