namespace LlmCostCache.AI.Cli.Savings;

/// <summary>A line of text.</summary>
/// <param name="X">Where it begins.</param>
/// <param name="Y">The line that it stands on.</param>
/// <param name="Size">Of its letters.</param>
/// <param name="Color">As in the web.</param>
/// <param name="Text">What it says.</param>
/// <param name="IsBold">Whether its letters are bold.</param>
internal sealed record CardText(int X, int Y, int Size, string Color, string Text, bool IsBold = false) : CardPart(X, Y, Color);
