using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>
/// How one provider counts. Adapters mean different things by the same property; a gateway or an adapter that the built-in rules do not know can be described in one line:
/// <c>o.UsageRules["my-gateway"] = UsageRule.ExclusiveInput;</c>
/// </summary>
/// <remarks>What is left null stays with the built-in rules. A rule never costs a caller an answer: one that throws, counts below zero or counts more than a call can have is logged, and the built-in rules count.</remarks>
public sealed class UsageRule
{
    /// <summary>Cached and written tokens are counted beside the input, as Anthropic's API and Bedrock do.</summary>
    public static UsageRule ExclusiveInput { get; } = new() { InputIsExclusive = true };

    /// <summary>Cached and written tokens are counted inside the input, as OpenAI's API does.</summary>
    public static UsageRule InclusiveInput { get; } = new() { InputIsExclusive = false };

    /// <summary>Reasoning is counted beside the output, as Gemini's and xAI's APIs do.</summary>
    public static UsageRule ReasoningOutside { get; } = new() { ReasoningIsOutside = true };

    /// <summary>Whether <see cref="UsageDetails.InputTokenCount"/> leaves out what was read from and written to the provider's prompt cache; null lets the counts themselves decide.</summary>
    public bool? InputIsExclusive { get; init; }

    /// <summary>Whether <see cref="UsageDetails.OutputTokenCount"/> leaves out the reasoning; null lets the counts themselves decide.</summary>
    public bool? ReasoningIsOutside { get; init; }

    /// <summary>Takes the counts apart itself.</summary>
    /// <value>
    /// Null. Given the usage that the adapter reported, and the raw answer or piece of a stream that it came with (null when the adapter shows none), returns buckets that
    /// do not overlap, or null where the built-in rules are to count. Called for every answer, by several threads at once.
    /// </value>
    public Func<UsageDetails, object?, TokenUsage?>? Read { get; init; }
}
