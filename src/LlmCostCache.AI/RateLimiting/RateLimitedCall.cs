namespace LlmCostCache.AI;

/// <summary>A request that is about to be sent, as <see cref="RateLimitOptions.Limiter"/> sees it to choose a partition.</summary>
/// <param name="Operation">As in the OpenTelemetry GenAI conventions: <c>chat</c>, <c>embeddings</c>.</param>
/// <param name="Provider">The provider, or null when the client does not say.</param>
/// <param name="Model">The model that is asked for, or null when neither options nor client name one.</param>
/// <param name="Attribution">Who pays.</param>
/// <param name="EstimatedTokens">Input and output together, estimated.</param>
public sealed record RateLimitedCall(string Operation, string? Provider, string? Model, Attribution Attribution, long EstimatedTokens);
