namespace LlmCostCache.AI;

/// <summary>What a provider reported, taken apart into buckets that do not overlap.</summary>
/// <param name="Usage">The buckets.</param>
/// <param name="Flags">What was noticed: <c>clamped</c>, <c>aggregated</c>, <c>usage_merge_ambiguous</c>; null when nothing was.</param>
internal readonly record struct NormalizedUsage(TokenUsage Usage, string? Flags)
{
    /// <summary>What the buckets leave open.</summary>
    public UsageDoubts Doubts { get; init; }

    /// <summary>Tokens that only the provider's total has, see <see cref="UsageDoubts.Total"/>.</summary>
    public long UnnamedTokens { get; init; }

    /// <summary>What the provider says it cost, in US dollars; null when it does not say.</summary>
    public decimal? ProviderCost { get; init; }

    public NormalizedUsage WithFlag(string flag) => this with { Flags = UsageFlags.Add(Flags, flag) };

    public NormalizedUsage WithDoubt(UsageDoubts doubt, string flag) => this with { Doubts = Doubts | doubt, Flags = UsageFlags.Add(Flags, flag) };

    /// <summary>Adds up the usage of two responses. Their cost is known together only when both are.</summary>
    public static NormalizedUsage operator +(NormalizedUsage left, NormalizedUsage right)
    {
        var flags = left.Flags;
        foreach (var flag in right.Flags?.Split(',') ?? [])
        {
            flags = UsageFlags.Add(flags, flag);
        }

        return new(left.Usage + right.Usage, flags)
        {
            Doubts = left.Doubts | right.Doubts,
            UnnamedTokens = RawUsage.Sum(left.UnnamedTokens, right.UnnamedTokens),
            ProviderCost = left.ProviderCost + right.ProviderCost,
        };
    }
}
