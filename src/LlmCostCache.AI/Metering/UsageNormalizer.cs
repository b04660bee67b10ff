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
    private static readonly string[] s_outputAudio = ["outputtokendetailsaudiotokencount"];
    private static readonly string[] s_inputImage = ["inputtokendetailsimagetokencount"];
    private static readonly string[] s_toolPrompt = ["tooluseprompttokencount"];

    /// <summary>Never throws: what contradicts itself is clamped and flagged, because the call has been billed and must be recorded.</summary>
    public static NormalizedUsage Normalize(UsageDetails details, string? provider)
    {
        var clamped = false;
        var total = details.TotalTokenCount;
        var input = NotNegative(details.InputTokenCount ?? total - details.OutputTokenCount, ref clamped);
        var output = NotNegative(details.OutputTokenCount ?? total - details.InputTokenCount, ref clamped);
        var reasoning = NotNegative(details.ReasoningTokenCount, ref clamped);
        var readInCounts = Count(details, CacheRead);
        var read = NotNegative(details.CachedInputTokenCount ?? readInCounts, ref clamped);
        var write = NotNegative(Count(details, s_cacheWrite), ref clamped);
        var write1h = NotNegative(Count(details, s_cacheWrite1h), ref clamped);
        var inputAudio = NotNegative(Count(details, s_inputAudio) ?? details.InputAudioTokenCount, ref clamped);
        var outputAudio = NotNegative(Count(details, s_outputAudio) ?? details.OutputAudioTokenCount, ref clamped);
        var inputImage = NotNegative(Count(details, s_inputImage), ref clamped);
        var toolPrompt = NotNegative(Count(details, s_toolPrompt), ref clamped);
        var searches = NotNegative(Count(details, s_webSearches), ref clamped);

        // The community Anthropic SDK and Bedrock report cache counts beside the input, not inside it, and leave CachedInputTokenCount unset.
        var exclusive = details.CachedInputTokenCount is null && (readInCounts is not null || Count(details, "cachewriteinputtokens") is not null);

        // A total of input and output alone says that they are inside. Bedrock's total says nothing, and what does not fit into the input is not inside it.
        if (exclusive && provider is not "aws.bedrock" && read + write > 0 && Sum(read, write) <= input && total is > 0 && total == Sum(input, output))
        {
            exclusive = false;
        }

        if (exclusive)
        {
            input = Sum(input, read, write);
        }

        // Google counts the prompts of server-side tools and the thoughts outside input and output; the total gives it away.
        if (toolPrompt > 0 && (total is null || total > Sum(input, output)))
        {
            input = Sum(input, toolPrompt);
        }

        if (reasoning > 0 && (provider is "gcp.gen_ai" || (total is { } all && all == Sum(input, output, reasoning) && all != Sum(input, output))))
        {
            output = Sum(output, reasoning);
        }

        // Parts may not exceed their whole: first come what costs most per token, so that clamping does not make a call cheaper than it was.
        write = Take(write, input, 0, ref clamped);
        write1h = Math.Min(write1h, write);
        inputAudio = Take(inputAudio, input, write, ref clamped);
        inputImage = Take(inputImage, input, Sum(write, inputAudio), ref clamped);
        read = Take(read, input, Sum(write, inputAudio, inputImage), ref clamped);
        reasoning = Take(reasoning, output, 0, ref clamped);
        outputAudio = Take(outputAudio, output, reasoning, ref clamped);

        return new(
            new TokenUsage
            {
                UncachedInputTokens = input - read - write - inputAudio - inputImage,
                CachedInputTokens = read,
                CacheWrite5mTokens = write - write1h,
                CacheWrite1hTokens = write1h,
                InputAudioTokens = inputAudio,
                InputImageTokens = inputImage,
                OutputTokens = output - reasoning - outputAudio,
                ReasoningTokens = reasoning,
                OutputAudioTokens = outputAudio,
                WebSearches = searches,
                Requests = 1,
            },
            clamped ? UsageFlags.Clamped : null);
    }

    /// <summary>
    /// Whether the provider said anything about tokens that can be priced; an explicit zero is a statement, an empty object is not, and neither is a total that
    /// leaves open how much of it was output. A count that no request can have says nothing, and booking it would block every budget.
    /// </summary>
    public static bool IsReported(UsageDetails? details) =>
        details is not null && (details.InputTokenCount is not null || details.OutputTokenCount is not null)
        && details.InputTokenCount is not > Absurd && details.OutputTokenCount is not > Absurd;

    private static long Take(long part, long whole, long taken, ref bool clamped)
    {
        var room = whole - taken;
        if (part <= room)
        {
            return part;
        }

        clamped = true;
        return Math.Max(0, room);
    }

    private static long NotNegative(long? count, ref bool clamped)
    {
        if (count is not < 0)
        {
            if (count is not > Absurd)
            {
                return count ?? 0;
            }

            clamped = true;
            return Absurd;
        }

        clamped = true;
        return 0;
    }

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
}
