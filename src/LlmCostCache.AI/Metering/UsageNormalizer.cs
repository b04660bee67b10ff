using Microsoft.Extensions.AI;

namespace LlmCostCache.AI;

/// <summary>
/// Takes the counts of an adapter apart into buckets that do not overlap. Adapters disagree on what the input count contains; the rules below hold for
/// Microsoft.Extensions.AI.OpenAI 10.11, Anthropic 13.12, OllamaSharp 5.5, the community Anthropic.SDK 5.10, AWSSDK.Extensions.Bedrock.MEAI and Google.GenAI.
/// </summary>
internal static class UsageNormalizer
{
    // A hundred thousand times the largest context there is. Sums of such counts, their prices and the sums over many rows still fit.
    private const long Absurd = 1_000_000_000_000;

    // Compared without case, '_' and '.': adapters spell the same count differently.
    private const string CacheRead = "cachereadinputtokens";
    private static readonly string[] s_cacheWrite = ["cachecreationinputtokens", "cachewriteinputtokens", "cachewritetokens", "inputtokendetailscachewritetokencount"];
    private static readonly string[] s_cacheWrite1h = ["cachecreationephemeral1hinputtokens", "ephemeral1hinputtokens"];
    private static readonly string[] s_webSearches = ["websearchrequests"];
    private static readonly string[] s_inputAudio = ["inputtokendetailsaudiotokencount"];
    private static readonly string[] s_cachedAudio = ["inputtokendetailscachedaudiotokencount"];
    private static readonly string[] s_outputAudio = ["outputtokendetailsaudiotokencount"];
    private static readonly string[] s_inputImage = ["inputtokendetailsimagetokencount"];
    private static readonly string[] s_cachedImage = ["inputtokendetailscachedimagetokencount"];
    private static readonly string[] s_inputVideo = ["inputtokendetailsvideotokencount"];
    private static readonly string[] s_outputVideo = ["outputtokendetailsvideotokencount"];
    private static readonly string[] s_citations = ["citationtokens"];
    private static readonly string[] s_outputImage = ["outputtokendetailsimagetokencount"];
    private static readonly string[] s_toolPrompt = ["tooluseprompttokencount"];
    private static readonly string[] s_reasoningBeside = ["reasoningtokensbesideoutput"];

    /// <summary>Never throws: what contradicts itself is clamped and flagged, because the call has been billed and must be recorded.</summary>
    /// <param name="details">The counts.</param>
    /// <param name="provider">Who counted.</param>
    /// <param name="rule">What is known about how this provider counts, stronger than what the counts themselves suggest; null when nothing is.</param>
    /// <param name="host">The host that answered; null when not known.</param>
    public static NormalizedUsage Normalize(UsageDetails details, string? provider, UsageRule? rule = null, string? host = null)
    {
        var check = default(Check);
        var total = details.TotalTokenCount;
        var toolPrompt = check.Count(Count(details, s_toolPrompt));
        var input = check.Count(details.InputTokenCount ?? total - details.OutputTokenCount, UsageDoubts.Input);
        var output = check.Count(details.OutputTokenCount ?? total - details.InputTokenCount - toolPrompt, UsageDoubts.Output);
        var reasoning = check.Count(details.ReasoningTokenCount);
        var readInCounts = Count(details, CacheRead);
        var read = check.Count(details.CachedInputTokenCount ?? readInCounts, UsageDoubts.InputParts);
        var write = check.Count(Count(details, s_cacheWrite), UsageDoubts.InputParts);
        var write1h = check.Count(Count(details, s_cacheWrite1h), UsageDoubts.InputParts);
        var inputAudio = check.Count(Count(details, s_inputAudio) ?? details.InputAudioTokenCount, UsageDoubts.InputParts);
        var outputAudio = check.Count(Count(details, s_outputAudio) ?? details.OutputAudioTokenCount);
        var inputImage = check.Count(Count(details, s_inputImage), UsageDoubts.InputParts);
        var outputImage = check.Count(Count(details, s_outputImage));
        var inputVideo = check.Count(Count(details, s_inputVideo), UsageDoubts.InputParts);
        var outputVideo = check.Count(Count(details, s_outputVideo));
        var citations = check.Count(Count(details, s_citations));
        var searches = check.Count(Count(details, s_webSearches));
        var (givenInput, givenOutput) = (input, output);

        if (rule?.InputIsExclusive ?? IsExclusive(details, provider, input, output, read, write))
        {
            input = Sum(input, read, write);
        }

        // Google counts the prompts of server-side tools and the thoughts outside input and output; the total gives it away. An output that was taken from the
        // total holds the thoughts already.
        if (toolPrompt > 0 && (total is null || total > Sum(input, output)))
        {
            input = Sum(input, toolPrompt);
        }

        var beside = check.Count(Count(details, s_reasoningBeside));
        reasoning = Math.Max(reasoning, beside);
        if (reasoning > 0 && details.OutputTokenCount is not null && (rule?.ReasoningIsOutside ?? (beside > 0 || provider is "gcp.gen_ai" || (total == Sum(input, output, reasoning) && total != Sum(input, output)))))
        {
            output = Sum(output, reasoning);
        }

        var differs = total is { } all && all != Sum(input, output) && all != Sum(givenInput, givenOutput) && all != Sum(givenInput, givenOutput, read, write)
            && all != Sum(givenInput, givenOutput, reasoning);

        // Google's service for OpenAI's clients has the thoughts in the total alone. Elsewhere nobody knows what such tokens are.
        var unnamed = differs && total <= Absurd ? Math.Max(0, total.Value - Sum(input, output)) : 0;
        if (unnamed > 0 && IsOfGoogle(host))
        {
            (output, reasoning, unnamed, differs) = (Sum(output, unnamed), Sum(reasoning, unnamed), 0, false);
        }

        // Parts may not exceed their whole: first come what costs most per token, so that clamping does not make a call cheaper than it was.
        write = check.Part(write, input, 0);
        write1h = Math.Min(write1h, write);
        inputAudio = check.Part(inputAudio, input, write);
        inputImage = check.Part(inputImage, input, Sum(write, inputAudio));
        inputVideo = check.Part(inputVideo, input, Sum(write, inputAudio, inputImage));
        read = check.Part(read, input, Sum(write, inputVideo));
        reasoning = check.Part(reasoning, output, 0);
        outputAudio = check.Part(outputAudio, output, reasoning);
        outputImage = check.Part(outputImage, output, Sum(reasoning, outputAudio));
        outputVideo = check.Part(outputVideo, output, Sum(reasoning, outputAudio, outputImage));

        // Sound and images can be read from the cache as well. Where nobody says how much of them was, it is no more than the counts leave no other room for.
        var text = input - write - inputAudio - inputImage - inputVideo;
        var cachedAudio = Math.Min(check.Count(Count(details, s_cachedAudio)), Math.Min(read, inputAudio));
        var cachedImage = Math.Min(check.Count(Count(details, s_cachedImage)), Math.Min(read - cachedAudio, inputImage));
        cachedAudio += Math.Clamp(read - cachedAudio - cachedImage - text, 0, inputAudio - cachedAudio);
        cachedImage += Math.Clamp(read - cachedAudio - cachedImage - text, 0, inputImage - cachedImage);
        var cachedText = read - cachedAudio - cachedImage;

        var usage = new TokenUsage
        {
            UncachedInputTokens = text - cachedText,
            CachedInputTokens = cachedText,
            CacheWrite5mTokens = write - write1h,
            CacheWrite1hTokens = write1h,
            InputAudioTokens = inputAudio - cachedAudio,
            CachedAudioTokens = cachedAudio,
            InputImageTokens = inputImage - cachedImage,
            CachedImageTokens = cachedImage,
            InputVideoTokens = inputVideo,
            CitationTokens = citations,
            OutputTokens = output - reasoning - outputAudio - outputImage - outputVideo,
            ReasoningTokens = reasoning,
            OutputAudioTokens = outputAudio,
            OutputImageTokens = outputImage,
            OutputVideoTokens = outputVideo,
            WebSearches = searches,
            Requests = 1,
        };
        var flags = check.Clamped ? UsageFlags.Clamped : differs ? UsageFlags.TotalDiffers : null;
        return new(usage, flags) { Doubts = unnamed > 0 ? check.Doubts | UsageDoubts.Total : check.Doubts, UnnamedTokens = unnamed };
    }

    private static bool IsOfGoogle(string? host) => host?.EndsWith(".googleapis.com", StringComparison.OrdinalIgnoreCase) == true;

    private static bool IsExclusive(UsageDetails details, string? provider, long input, long output, long read, long write)
    {
        // The community Anthropic SDK and Bedrock report cache counts beside the input, not inside it, and leave CachedInputTokenCount unset.
        if (details.CachedInputTokenCount is not null || (Count(details, CacheRead) is null && Count(details, "cachewriteinputtokens") is null))
        {
            return false;
        }

        // A total of input and output alone says that they are inside. Bedrock's total says nothing, and what does not fit into the input is not inside it.
        return provider is "aws.bedrock" || Sum(read, write) == 0 || Sum(read, write) > input || details.TotalTokenCount is not > 0 || details.TotalTokenCount != Sum(input, output);
    }

    /// <summary>
    /// Whether the provider said anything about tokens that can be priced; an explicit zero is a statement, an empty object is not, and neither is a total that
    /// leaves open how much of it was output. A count that no request can have says nothing, and booking it would block every budget.
    /// </summary>
    public static bool IsReported(UsageDetails? details) =>
        details is not null && (details.InputTokenCount is not null || details.OutputTokenCount is not null)
        && details.InputTokenCount is not > Absurd && details.OutputTokenCount is not > Absurd;

    private static long Sum(params ReadOnlySpan<long> counts)
    {
        long sum = 0;
        foreach (var count in counts)
        {
            sum = sum > long.MaxValue / 2 - count ? long.MaxValue / 2 : sum + count;
        }

        return sum;
    }

    private static long? Count(UsageDetails details, params ReadOnlySpan<string> names)
    {
        if (details.AdditionalCounts is not { Count: > 0 } counts)
        {
            return null;
        }

        foreach (var name in names)
        {
            foreach (var (key, value) in counts)
            {
                if (IsSame(key, name))
                {
                    return value;
                }
            }
        }

        return null;
    }

    private static bool IsSame(string key, string name)
    {
        var matched = 0;
        foreach (var c in key)
        {
            if (c is '_' or '.')
            {
                continue;
            }

            if (matched == name.Length || char.ToLowerInvariant(c) != name[matched])
            {
                return false;
            }

            matched++;
        }

        return matched == name.Length;
    }

    /// <summary>Brings counts into range and remembers which were not.</summary>
    private struct Check
    {
        public bool Clamped { get; private set; }

        public UsageDoubts Doubts { get; private set; }

        public long Count(long? count, UsageDoubts doubt = UsageDoubts.None)
        {
            if (count is not (< 0 or > Absurd))
            {
                return count ?? 0;
            }

            Clamped = true;
            Doubts |= doubt;
            return count < 0 ? 0 : Absurd;
        }

        public long Part(long part, long whole, long taken)
        {
            var room = whole - taken;
            if (part <= room)
            {
                return part;
            }

            Clamped = true;
            return Math.Max(0, room);
        }
    }
}
