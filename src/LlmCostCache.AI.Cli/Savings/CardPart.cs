namespace LlmCostCache.AI.Cli.Savings;

/// <summary>Something on a card to share.</summary>
/// <param name="X">Pixels from the left.</param>
/// <param name="Y">Pixels from above: of a bar its upper edge, of a text the line that it stands on.</param>
/// <param name="Color">As in the web.</param>
internal abstract record CardPart(int X, int Y, string Color);
