namespace LlmCostCache.AI;

/// <summary>Differences in the texts of messages and instructions that do not make another question; see <see cref="LlmCostsOptions.CacheNormalization"/>.</summary>
[Flags]
public enum CacheNormalization
{
    /// <summary>Every character counts.</summary>
    None = 0,

    /// <summary>A line ends the same, whether with a line feed, a carriage return or both.</summary>
    LineEndings = 1,

    /// <summary>Spaces and tabs at the end of a line, and of the text, do not count.</summary>
    TrailingBlanks = 2,
}
