namespace LlmCostCache.AI.Cli;

/// <summary>The arguments make no sense together; the message says what to write instead.</summary>
internal sealed class UsageException(string message) : Exception(message);
