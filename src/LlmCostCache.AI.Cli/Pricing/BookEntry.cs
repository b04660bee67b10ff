namespace LlmCostCache.AI.Cli.Pricing;

/// <summary>A model as one source of a book has it.</summary>
/// <param name="Entry">The model.</param>
/// <param name="Index">The place of the price that holds.</param>
/// <param name="Origin">The kind of source: <c>built-in</c>, <c>file</c>, <c>environment</c>.</param>
internal sealed record BookEntry(PriceEntry Entry, int Index, string Origin)
{
    public DatedPrice Price => Entry.Prices[Index];

    /// <summary>The model with the price that holds and no other.</summary>
    public PriceEntry Alone() => new()
    {
        Provider = Entry.Provider,
        Id = Entry.Id,
        Mode = Entry.Mode,
        Currency = Entry.Currency,
        Prices = [Price],
        Line = Entry.Line,
    };

    public string Name => $"{Entry.Provider ?? "any"}/{Entry.Id}";
}
