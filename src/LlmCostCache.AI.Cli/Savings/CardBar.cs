namespace LlmCostCache.AI.Cli.Savings;

/// <summary>A bar with round ends.</summary>
/// <param name="X">Its left edge.</param>
/// <param name="Y">Its upper edge.</param>
/// <param name="Width">How long it is.</param>
/// <param name="Color">As in the web.</param>
internal sealed record CardBar(int X, int Y, int Width, string Color) : CardPart(X, Y, Color);
