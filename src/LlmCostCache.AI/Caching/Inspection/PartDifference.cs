namespace LlmCostCache.AI;

/// <summary>A part in which two questions are not the same.</summary>
/// <param name="Name">What it is, in the words of the request.</param>
/// <param name="Change">How it differs.</param>
internal readonly record struct PartDifference(string Name, PartChange Change)
{
    public string Words => Change switch
    {
        PartChange.OnlyAsked => $"{Name}: only in this request",
        PartChange.OnlyStored => $"{Name}: only in the stored request",
        PartChange.Moved => $"{Name}: in another place",
        _ => $"{Name}: not the same",
    };
}
