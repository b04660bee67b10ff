namespace LlmCostCache.AI;

/// <summary>What changes about a <see cref="ModelPrice"/> once a number of requests was made in the calendar month; what is not set stays as it was.</summary>
/// <param name="aboveRequests">The requests of the month that do not have the step yet: with 10,000, the 10,001st is the first that has it.</param>
public sealed class VolumeStep(long aboveRequests)
{
    /// <summary>The requests of the month, which begins at midnight UTC, that do not have the step yet; above zero.</summary>
    public long AboveRequests { get; } = aboveRequests;

    /// <inheritdoc cref="ModelPrice.InputPerMillion"/>
    public decimal? InputPerMillion { get; set; }

    /// <inheritdoc cref="ModelPrice.CachedInputPerMillion"/>
    public decimal? CachedInputPerMillion { get; set; }

    /// <inheritdoc cref="ModelPrice.OutputPerMillion"/>
    public decimal? OutputPerMillion { get; set; }

    /// <inheritdoc cref="ModelPrice.ReasoningPerMillion"/>
    public decimal? ReasoningPerMillion { get; set; }

    /// <inheritdoc cref="ModelPrice.PerRequest"/>
    public decimal? PerRequest { get; set; }

    /// <inheritdoc cref="ModelPrice.PerWebSearch"/>
    public decimal? PerWebSearch { get; set; }
}
