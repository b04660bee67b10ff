namespace LlmCostCache.AI;

/// <summary>The names under which counts travel that <c>UsageDetails</c> has no property for; where an adapter has a name, it is the adapter's.</summary>
internal static class UsageNames
{
    public const string CacheWrite = "InputTokenDetails.CacheWriteTokenCount";
    public const string CacheWrite1h = "Ephemeral1hInputTokens";

    /// <summary>Anthropic's writes, counted inside the input by its own SDK and outside by others.</summary>
    public const string CacheCreation = "CacheCreationInputTokens";
    public const string CacheRead = "CacheReadInputTokens";
    public const string InputAudio = "InputTokenDetails.AudioTokenCount";
    public const string InputImage = "InputTokenDetails.ImageTokenCount";
    public const string InputVideo = "InputTokenDetails.VideoTokenCount";
    public const string CachedAudio = "InputTokenDetails.CachedAudioTokenCount";
    public const string CachedImage = "InputTokenDetails.CachedImageTokenCount";
    public const string OutputAudio = "OutputTokenDetails.AudioTokenCount";
    public const string OutputImage = "OutputTokenDetails.ImageTokenCount";
    public const string OutputVideo = "OutputTokenDetails.VideoTokenCount";
    public const string ToolPrompt = "ToolUsePromptTokenCount";
    public const string WebSearches = "WebSearchRequests";
    public const string Citations = "CitationTokens";

    /// <summary>Reasoning that is counted beside the output, whatever the total says.</summary>
    public const string ReasoningBeside = "ReasoningTokensBesideOutput";
}
