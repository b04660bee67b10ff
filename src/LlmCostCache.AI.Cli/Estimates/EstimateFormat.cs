namespace LlmCostCache.AI.Cli.Estimates;

/// <summary>What an input is.</summary>
internal enum EstimateFormat
{
    /// <summary>Text: one message of the user.</summary>
    Text,

    /// <summary>A request to a chat endpoint as JSON.</summary>
    Chat,
}
