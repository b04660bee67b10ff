using System.Diagnostics.CodeAnalysis;

namespace LlmCostCache.AI;

/// <summary>Ends a streamed prompt function before its model is asked; never leaves the wrapped stream.</summary>
[SuppressMessage("Design", "CA1064", Justification = "Never seen outside.")]
[SuppressMessage("Design", "CA1032", Justification = "Made in one place.")]
internal sealed class AnsweredFromCacheException() : Exception("The answer is in the cache.");
