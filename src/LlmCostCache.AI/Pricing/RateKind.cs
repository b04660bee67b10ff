namespace LlmCostCache.AI;

/// <summary>What a provider can bill apart. The order is the order of the parts of a bill.</summary>
internal enum RateKind
{
    Input,
    CachedInput,
    CacheWrite5m,
    CacheWrite1h,
    InputAudio,
    CachedAudio,
    InputImage,
    CachedImage,
    InputVideo,
    Citation,
    Output,
    Reasoning,
    OutputAudio,
    OutputImage,
    OutputVideo,
    WebSearch,
    Request,
    Image,
    AudioSecond,
    VideoSecond,
    ComputeSecond,
    Characters,
    StorageGbDay,
}
