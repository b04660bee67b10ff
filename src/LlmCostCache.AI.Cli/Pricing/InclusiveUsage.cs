namespace LlmCostCache.AI.Cli.Pricing;

/// <summary>
/// Counts as API bills and <c>UsageDetails</c> give them: the input contains cached, written, audio, image, video and citation tokens, the output contains reasoning,
/// audio, images and video. Cached audio is inside both the cached and the audio input, and so are cached images.
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

    public long CachedImage { get; init; }

    public long InputVideo { get; init; }

    public long OutputVideo { get; init; }

    public long Citation { get; init; }

    public long WebSearches { get; init; }

    public long Images { get; init; }

    public long AudioMilliseconds { get; init; }

    public long VideoMilliseconds { get; init; }

    public long ComputeMilliseconds { get; init; }

    public long Characters { get; init; }

    public long StorageByteHours { get; init; }

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
        var cachedImage = Math.Min(CachedImage, Math.Min(InputImage, CachedInput - cachedAudio));
        var audio = input.Take(InputAudio - cachedAudio);
        var image = input.Take(InputImage - cachedImage);
        var video = input.Take(InputVideo);
        var citation = input.Take(Citation);
        var cachedText = CachedInput - cachedAudio - cachedImage;
        cachedAudio = input.Take(cachedAudio);
        cachedImage = input.Take(cachedImage);
        cachedText = input.Take(cachedText);

        var output = new Whole(Output);
        var reasoning = output.Take(Reasoning);
        var outputAudio = output.Take(OutputAudio);
        var outputImage = output.Take(OutputImage);
        var outputVideo = output.Take(OutputVideo);

        clamped = input.IsExceeded || output.IsExceeded || CachedAudio > InputAudio || CachedImage > InputImage
            || CachedAudio > CachedInput || CachedImage > CachedInput - CachedAudio;
        return new()
        {
            UncachedInputTokens = input.Rest,
            CachedInputTokens = cachedText,
            CacheWrite5mTokens = write5m,
            CacheWrite1hTokens = write1h,
            InputAudioTokens = audio,
            CachedAudioTokens = cachedAudio,
            InputImageTokens = image,
            CachedImageTokens = cachedImage,
            InputVideoTokens = video,
            CitationTokens = citation,
            OutputTokens = output.Rest,
            ReasoningTokens = reasoning,
            OutputAudioTokens = outputAudio,
            OutputImageTokens = outputImage,
            OutputVideoTokens = outputVideo,
            WebSearches = WebSearches,
            Images = Images,
            Milliseconds = AudioMilliseconds,
            VideoMilliseconds = VideoMilliseconds,
            ComputeMilliseconds = ComputeMilliseconds,
            Characters = Characters,
            StorageByteHours = StorageByteHours,
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
