namespace LlmCostCache.AI;

/// <summary>What it would cost to ask a stored question once more, on one day: less the more recently it was asked, because the provider may still have the prompt.</summary>
internal sealed class AvoidedCost
{
    /// <summary>Until when the prices hold that it was worked out with.</summary>
    public required DateTimeOffset ValidUntil { get; init; }

    /// <summary>The first instant they hold for: a clock that was set back needs other prices.</summary>
    public required DateTimeOffset ValidFrom { get; init; }

    /// <summary>What is avoided when the last time is less than this ago; shortest first.</summary>
    public required (TimeSpan Within, Money Amount)[] Warm { get; init; }

    /// <summary>What is avoided after the longest of these.</summary>
    public required Money Cold { get; init; }

    public string? PriceRevision { get; init; }

    /// <summary>Why nothing is counted; null when something is.</summary>
    public string? Reason { get; init; }

    public bool HoldsAt(DateTimeOffset now) => now >= ValidFrom && now < ValidUntil;

    public Money After(TimeSpan sinceLastAsked)
    {
        foreach (var (within, amount) in Warm)
        {
            if (sinceLastAsked < within)
            {
                return amount;
            }
        }

        return Cold;
    }
}
