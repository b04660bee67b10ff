using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>What one or more calls used, in buckets that do not overlap: every token is counted in exactly one of them.</summary>
/// <remarks>
/// <c>Microsoft.Extensions.AI.UsageDetails</c> and provider answers count inclusively (the input contains cached, written, audio and image tokens;
/// the output contains reasoning). Here they are taken apart, so that a sum over buckets times prices charges nothing twice.
/// </remarks>
public sealed record TokenUsage
{
    /// <summary>Nothing used.</summary>
    public static TokenUsage None { get; } = new();

    /// <summary>Text input read anew, at the full input price.</summary>
    public long UncachedInputTokens { get; init; }

    /// <summary>Text input read from the provider's prompt cache.</summary>
    public long CachedInputTokens { get; init; }

    /// <summary>Input written to the provider's prompt cache for five minutes (or for the provider's only duration).</summary>
    public long CacheWrite5mTokens { get; init; }

    /// <summary>Input written to the provider's prompt cache for one hour.</summary>
    public long CacheWrite1hTokens { get; init; }

    /// <summary>Audio input that was not cached.</summary>
    public long InputAudioTokens { get; init; }

    /// <summary>Audio input read from the provider's prompt cache.</summary>
    public long CachedAudioTokens { get; init; }

    /// <summary>Image input that was not cached.</summary>
    public long InputImageTokens { get; init; }

    /// <summary>Image input read from the provider's prompt cache.</summary>
    public long CachedImageTokens { get; init; }

    /// <summary>Video input.</summary>
    public long InputVideoTokens { get; init; }

    /// <summary>Text of sources that the provider read for the answer, where it bills them apart (Perplexity's deep research).</summary>
    public long CitationTokens { get; init; }

    /// <summary>The answer's text: output that is neither reasoning nor audio, image or video.</summary>
    public long OutputTokens { get; init; }

    /// <summary>Reasoning ("thinking") output.</summary>
    public long ReasoningTokens { get; init; }

    /// <summary>Audio output.</summary>
    public long OutputAudioTokens { get; init; }

    /// <summary>Image output.</summary>
    public long OutputImageTokens { get; init; }

    /// <summary>Video output.</summary>
    public long OutputVideoTokens { get; init; }

    /// <summary>Requests sent to the provider.</summary>
    public long Requests { get; init; }

    /// <summary>Web searches run by the provider, billed per search.</summary>
    public long WebSearches { get; init; }

    /// <summary>Images made, where they are billed one by one instead of by tokens.</summary>
    public long Images { get; init; }

    /// <summary>Milliseconds of audio, where it is billed by time instead of by tokens.</summary>
    public long Milliseconds { get; init; }

    /// <summary>Milliseconds of video, where it is billed by time instead of by tokens.</summary>
    public long VideoMilliseconds { get; init; }

    /// <summary>Milliseconds of compute, where it is billed by time.</summary>
    public long ComputeMilliseconds { get; init; }

    /// <summary>Characters, where these are billed instead of tokens.</summary>
    public long Characters { get; init; }

    /// <summary>Bytes times hours of storage: a gigabyte (10^9 bytes) kept for a day is 24,000,000,000.</summary>
    public long StorageByteHours { get; init; }

    /// <summary>All input tokens, however they were billed.</summary>
    /// <exception cref="OverflowException">The sum does not fit.</exception>
    public long TotalInputTokens => checked(UncachedInputTokens + CachedInputTokens + CacheWrite5mTokens + CacheWrite1hTokens
        + InputAudioTokens + CachedAudioTokens + InputImageTokens + CachedImageTokens + InputVideoTokens + CitationTokens);

    /// <summary>All output tokens, however they were billed.</summary>
    /// <exception cref="OverflowException">The sum does not fit.</exception>
    public long TotalOutputTokens => checked(OutputTokens + ReasoningTokens + OutputAudioTokens + OutputImageTokens + OutputVideoTokens);

    /// <summary>All tokens.</summary>
    /// <exception cref="OverflowException">The sum does not fit.</exception>
    public long TotalTokens => checked(TotalInputTokens + TotalOutputTokens);

    /// <summary>The same as <c>Microsoft.Extensions.AI</c> counts it, inclusively.</summary>
    internal UsageDetails ToDetails() => new()
    {
        InputTokenCount = TotalInputTokens,
        OutputTokenCount = TotalOutputTokens,
        TotalTokenCount = TotalTokens,
        CachedInputTokenCount = CachedInputTokens + CachedAudioTokens + CachedImageTokens,
        ReasoningTokenCount = ReasoningTokens,
    };

    /// <summary>Adds two usages bucket by bucket.</summary>
    /// <exception cref="OverflowException">A sum does not fit.</exception>
    public static TokenUsage operator +(TokenUsage left, TokenUsage right) => Add(left, right);

    /// <summary>Adds two usages bucket by bucket.</summary>
    /// <exception cref="OverflowException">A sum does not fit.</exception>
    public static TokenUsage Add(TokenUsage left, TokenUsage right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        checked
        {
            return new TokenUsage
            {
                UncachedInputTokens = left.UncachedInputTokens + right.UncachedInputTokens,
                CachedInputTokens = left.CachedInputTokens + right.CachedInputTokens,
                CacheWrite5mTokens = left.CacheWrite5mTokens + right.CacheWrite5mTokens,
                CacheWrite1hTokens = left.CacheWrite1hTokens + right.CacheWrite1hTokens,
                InputAudioTokens = left.InputAudioTokens + right.InputAudioTokens,
                CachedAudioTokens = left.CachedAudioTokens + right.CachedAudioTokens,
                InputImageTokens = left.InputImageTokens + right.InputImageTokens,
                CachedImageTokens = left.CachedImageTokens + right.CachedImageTokens,
                InputVideoTokens = left.InputVideoTokens + right.InputVideoTokens,
                CitationTokens = left.CitationTokens + right.CitationTokens,
                OutputTokens = left.OutputTokens + right.OutputTokens,
                ReasoningTokens = left.ReasoningTokens + right.ReasoningTokens,
                OutputAudioTokens = left.OutputAudioTokens + right.OutputAudioTokens,
                OutputImageTokens = left.OutputImageTokens + right.OutputImageTokens,
                OutputVideoTokens = left.OutputVideoTokens + right.OutputVideoTokens,
                Requests = left.Requests + right.Requests,
                WebSearches = left.WebSearches + right.WebSearches,
                Images = left.Images + right.Images,
                Milliseconds = left.Milliseconds + right.Milliseconds,
                VideoMilliseconds = left.VideoMilliseconds + right.VideoMilliseconds,
                ComputeMilliseconds = left.ComputeMilliseconds + right.ComputeMilliseconds,
                Characters = left.Characters + right.Characters,
                StorageByteHours = left.StorageByteHours + right.StorageByteHours,
            };
        }
    }
}
