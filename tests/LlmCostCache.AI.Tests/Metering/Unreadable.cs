namespace Anthropic.SDK;

/// <summary>An answer of an SDK whose members were trimmed away.</summary>
internal sealed class Unreadable;
