namespace LlmCostCache.AI;

/// <summary>How well the cost of a call is known.</summary>
public enum CostCertainty
{
    /// <summary>The provider's own counts times a known price. Free is known, and zero.</summary>
    Known,

    /// <summary>Estimated, with a lower and an upper end. What is booked until more is known is the upper end.</summary>
    Bounded,

    /// <summary>Not known, and therefore never added up as zero.</summary>
    Unknown,
}
