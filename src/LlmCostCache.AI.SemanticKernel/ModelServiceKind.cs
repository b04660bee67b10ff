namespace LlmCostCache.AI;

/// <summary>What a prompt function asks; it decides what its result looks like.</summary>
internal enum ModelServiceKind
{
    /// <summary>Chosen by the application.</summary>
    Unknown,

    /// <summary>A chat client; the result is a response.</summary>
    ChatClient,

    /// <summary>A chat completion service; the result is a message.</summary>
    ChatCompletion,

    /// <summary>A text generation service; the result is a text.</summary>
    TextGeneration,
}
