namespace LlmCostCache.AI.Cli.Rendering;

/// <summary>Whoever read standard output has read enough. Not an <see cref="IOException"/>: nothing was wrong with a file, and nobody on the way may take it for that.</summary>
internal sealed class ReaderGoneException() : Exception("The reader of standard output has gone.");
