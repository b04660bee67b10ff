namespace LlmCostCache.AI.Cli.Pricing;

/// <summary>
/// Counts as API bills and <c>UsageDetails</c> give them: the input contains cached, written, audio and image tokens, the output contains reasoning,
/// audio and images. Cached audio is inside both the cached and the audio input.
/// </summary>
internal readonly record struct InclusiveUsage
{
    public long Input { get; init; }

    public long CachedInput { get; init; }

    public long CacheWrite5m { get; init; }

    public long CacheWrite1h { get; init; }

    public long Output { get; init; }

    public long Reasoning { get; init; }

    public long InputAudio { get; init; }

    public long CachedAudio { get; init; }

    public long OutputAudio { get; init; }

    public long InputImage { get; init; }

    public long OutputImage { get; init; }

    public long WebSearches { get; init; }

    public long Requests { get; init; }

    /// <summary>Takes the counts apart so that every token is counted once.</summary>
    /// <param name="clamped">Whether a part was larger than its whole, and was cut to it.</param>
    public TokenUsage ToBuckets(out bool clamped)
    {
        // Cheap parts are cut last come, first cut: a contradiction must not make a call cheaper than it was.
        var input = new Whole(Input);
        var write1h = input.Take(CacheWrite1h);
        var write5m = input.Take(CacheWrite5m);
        var cachedAudio = Math.Min(CachedAudio, Math.Min(InputAudio, CachedInput));
        var audio = input.Take(InputAudio - cachedAudio);
        var image = input.Take(InputImage);
        var cachedText = CachedInput - cachedAudio;
        cachedAudio = input.Take(cachedAudio);
        cachedText = input.Take(cachedText);

        var output = new Whole(Output);
        var reasoning = output.Take(Reasoning);
        var outputAudio = output.Take(OutputAudio);
        var outputImage = output.Take(OutputImage);

        clamped = input.IsExceeded || output.IsExceeded || CachedAudio > InputAudio || CachedAudio > CachedInput;
        return new()
        {
            UncachedInputTokens = input.Rest,
            CachedInputTokens = cachedText,
            CacheWrite5mTokens = write5m,
            CacheWrite1hTokens = write1h,
            InputAudioTokens = audio,
            CachedAudioTokens = cachedAudio,
            InputImageTokens = image,
            OutputTokens = output.Rest,
            ReasoningTokens = reasoning,
            OutputAudioTokens = outputAudio,
            OutputImageTokens = outputImage,
            WebSearches = WebSearches,
            Requests = Requests,
        };
    }

    private struct Whole(long count)
    {
        public long Rest { get; private set; } = count;

        public bool IsExceeded { get; private set; }

        public long Take(long part)
        {
            IsExceeded |= part > Rest;
            part = Math.Min(part, Rest);
            Rest -= part;
            return part;
        }
    }
}
