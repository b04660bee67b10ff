namespace LlmCostCache.AI.Cli.Exchange;

/// <summary>What a bucket says of the length of its requests; it decides prices that depend on the length of a prompt.</summary>
internal enum PromptSizes
{
    /// <summary>The row is one request, or nothing is said.</summary>
    Unsaid,

    /// <summary>None was long enough for the price of long prompts.</summary>
    Small,

    /// <summary>All were.</summary>
    Large,
}
