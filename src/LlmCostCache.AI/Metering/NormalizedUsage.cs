namespace LlmCostCache.AI;

/// <summary>What a provider reported, taken apart into buckets that do not overlap.</summary>
/// <param name="Usage">The buckets.</param>
/// <param name="Flags">What was noticed: <c>clamped</c>, <c>aggregated</c>, <c>usage_merge_ambiguous</c>; null when nothing was.</param>
internal readonly record struct NormalizedUsage(TokenUsage Usage, string? Flags)
{
    public NormalizedUsage WithFlag(string flag) => this with { Flags = UsageFlags.Add(Flags, flag) };
}
